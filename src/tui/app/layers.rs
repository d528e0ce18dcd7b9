//! Overlays: each takes the keys while it is on top.

use super::editor::Editor;
use super::{App, Effect, Pane};
use crate::tui::action::{ACTIONS, Action, Key};
use crate::tui::text::matches;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Rows that a page key scrolls.
const PAGE: usize = 10;

/// One overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// Every action with its keys.
    Help {
        /// Lines that are scrolled off at the top.
        scroll: usize,
    },
    /// Actions by name.
    Palette {
        /// What is looked for.
        editor: Editor,
        /// The selected row.
        row: usize,
    },
    /// A control's value as text.
    Edit {
        /// The control's index.
        control: usize,
        /// The candidate.
        editor: Editor,
        /// Why the last candidate was refused.
        error: Option<String>,
    },
    /// The filter of a pane.
    Filter {
        /// The pane.
        pane: Pane,
        /// The filter.
        editor: Editor,
    },
    /// Whether to leave although a run is in progress.
    ConfirmQuit,
}

impl Layer {
    /// An empty palette.
    pub fn palette() -> Self {
        Self::Palette { editor: Editor::default(), row: 0 }
    }

    /// An editor for the control at index `control`.
    pub fn edit(control: usize, value: &str) -> Self {
        Self::Edit { control, editor: Editor::with(value), error: None }
    }

    /// An editor for the filter of `pane`.
    pub fn filter(pane: Pane, text: &str) -> Self {
        Self::Filter { pane, editor: Editor::with(text) }
    }
}

/// What the palette offers.
pub struct Offer {
    /// What happens.
    pub action: Action,
    /// Its name.
    pub word: String,
    /// One line about it.
    pub help: &'static str,
    /// The key that does the same.
    pub key: Option<Key>,
}

/// The actions that can be done now, and the labs, whose name has the letters of `query`.
pub fn palette_entries(app: &App, query: &str) -> Vec<Offer> {
    let actions = ACTIONS.iter().filter(|e| e.action != Action::Palette && (e.when)(app)).map(|e| Offer {
        action: e.action,
        word: e.word.into(),
        help: e.help,
        key: e.keys.first().copied(),
    });
    let labs = app.labs.iter().enumerate().map(|(i, lab)| Offer {
        action: Action::OpenLab(i),
        word: format!("open lab {}", lab.id()),
        help: lab.title(),
        key: None,
    });
    let has = |offer: &Offer| matches(&offer.word, query) || matches(offer.help, query) && query.len() > 2;
    actions.chain(labs).filter(has).collect()
}

impl App {
    /// Whether keys go into a line of text.
    pub(super) fn is_typing(&self) -> bool {
        matches!(self.layers.last(), Some(Layer::Palette { .. } | Layer::Edit { .. } | Layer::Filter { .. }))
    }

    /// Offers `key` to the topmost layer. Every layer takes every key while it is there.
    pub(super) fn key_to_layer(&mut self, key: &KeyEvent) -> bool {
        let Some(mut layer) = self.layers.pop() else { return false };
        let keep = match &mut layer {
            Layer::Help { scroll } => scroll_help(scroll, key),
            Layer::Palette { editor, row } => self.key_to_palette(editor, row, key),
            Layer::Edit { control, editor, error } => self.key_to_edit(*control, editor, error, key),
            Layer::Filter { pane, editor } => self.key_to_filter(*pane, editor, key),
            Layer::ConfirmQuit => self.key_to_confirm(key),
        };
        if keep {
            self.layers.push(layer);
        }
        true
    }

    fn key_to_palette(&mut self, editor: &mut Editor, row: &mut usize, key: &KeyEvent) -> bool {
        let entries = palette_entries(self, &editor.text);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Up => *row = row.saturating_sub(1),
            KeyCode::Char('p') if control => *row = row.saturating_sub(1),
            KeyCode::Down => *row = (*row + 1).min(entries.len().saturating_sub(1)),
            KeyCode::Char('n') if control => *row = (*row + 1).min(entries.len().saturating_sub(1)),
            KeyCode::Enter => {
                if let Some(entry) = entries.get(*row) {
                    self.act(entry.action);
                }
                return false;
            }
            KeyCode::Backspace if editor.text.is_empty() => return false,
            _ => {
                if editor.key(key) {
                    *row = 0;
                }
            }
        }
        true
    }

    fn key_to_edit(&mut self, control: usize, editor: &mut Editor, error: &mut Option<String>, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Enter => match self.controls.set(control, editor.text.trim()) {
                Ok(()) => return false,
                Err(refused) => *error = Some(refused.to_string()),
            },
            _ => _ = editor.key(key),
        }
        true
    }

    fn key_to_filter(&mut self, pane: Pane, editor: &mut Editor, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Enter => return false,
            KeyCode::Esc => {
                self.set_filter(pane, "");
                return false;
            }
            _ => {
                if editor.key(key) {
                    self.set_filter(pane, &editor.text);
                }
            }
        }
        true
    }

    fn key_to_confirm(&mut self, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Char('y' | 'q') | KeyCode::Enter => self.effects.push(Effect::Quit),
            KeyCode::Char('n') | KeyCode::Esc => {}
            _ => return true,
        }
        false
    }
}

fn scroll_help(scroll: &mut usize, key: &KeyEvent) -> bool {
    match key.code {
        KeyCode::Esc | KeyCode::Char('?' | 'q') => return false,
        KeyCode::Up | KeyCode::Char('k') => *scroll = scroll.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => *scroll += 1,
        KeyCode::PageUp => *scroll = scroll.saturating_sub(PAGE),
        KeyCode::PageDown | KeyCode::Char(' ') => *scroll += PAGE,
        KeyCode::Home | KeyCode::Char('g') => *scroll = 0,
        KeyCode::End | KeyCode::Char('G') => *scroll = ACTIONS.len(),
        _ => {}
    }
    *scroll = (*scroll).min(crate::tui::view::help::length());
    true
}
