//! Overlays: each takes the keys while it is on top.

use super::editor::Editor;
use super::keys::moved;
use super::{App, Effect, Pane};
use crate::tui::action::{ACTIONS, Action, Key};
use crate::tui::text::matches;
use candelab_labs::control::Domain;
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
    /// A control's words, one of which is chosen.
    Choose {
        /// The control's index.
        control: usize,
        /// What is looked for.
        editor: Editor,
        /// The selected row.
        row: usize,
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

    /// The list of `options` of the control at index `control`, at its present `value`.
    pub fn choose(control: usize, options: &[&str], value: &str) -> Self {
        let row = options.iter().position(|o| *o == value).unwrap_or(0);
        Self::Choose { control, editor: Editor::default(), row }
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

/// The words of the control at index `control` that have the letters of `query` in their order; those
/// that have it as it stands come first.
pub fn options(app: &App, control: usize, query: &str) -> Vec<&'static str> {
    let Some(Domain::Choice { options }) = app.controls.now.get(control).map(|c| &c.domain) else { return Vec::new() };
    let exact = |o: &&'static str| o.to_lowercase().contains(&query.to_lowercase());
    let (first, rest): (Vec<&str>, Vec<&str>) = options.iter().copied().filter(|o| matches(o, query)).partition(exact);
    [first, rest].concat()
}

impl App {
    /// Whether keys go into a line of text.
    pub(super) fn is_typing(&self) -> bool {
        let typing = |l: &Layer| !matches!(l, Layer::Help { .. } | Layer::ConfirmQuit);
        self.layers.last().is_some_and(typing)
    }

    /// Offers `key` to the topmost layer. Every layer takes every key while it is there.
    pub(super) fn key_to_layer(&mut self, key: &KeyEvent) -> bool {
        let Some(mut layer) = self.layers.pop() else { return false };
        let keep = match &mut layer {
            Layer::Help { scroll } => scroll_help(scroll, key),
            Layer::Palette { editor, row } => self.key_to_palette(editor, row, key),
            Layer::Edit { control, editor, error } => self.key_to_edit(*control, editor, error, key),
            Layer::Choose { control, editor, row } => self.key_to_choice(*control, editor, row, key),
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
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Enter => {
                if let Some(entry) = entries.get(*row) {
                    self.act(entry.action);
                }
                return false;
            }
            KeyCode::Backspace if editor.text.is_empty() => return false,
            _ => key_to_list(entries.len(), editor, row, key),
        }
        true
    }

    fn key_to_choice(&mut self, control: usize, editor: &mut Editor, row: &mut usize, key: &KeyEvent) -> bool {
        let options = options(self, control, &editor.text);
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Enter => {
                let Some(option) = options.get(*row) else { return true };
                self.set_control(control, option);
                return false;
            }
            _ => key_to_list(options.len(), editor, row, key),
        }
        true
    }

    fn key_to_edit(&mut self, control: usize, editor: &mut Editor, error: &mut Option<String>, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Enter => match self.try_control(control, editor.text.trim()) {
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

/// Keys of a list of `n` rows below a line that is typed.
fn key_to_list(n: usize, editor: &mut Editor, row: &mut usize, key: &KeyEvent) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Up => *row = moved(*row, n, Action::Up),
        KeyCode::Char('p') if control => *row = moved(*row, n, Action::Up),
        KeyCode::Down => *row = moved(*row, n, Action::Down),
        KeyCode::Char('n') if control => *row = moved(*row, n, Action::Down),
        KeyCode::PageUp => *row = moved(*row, n, Action::PageUp),
        KeyCode::PageDown => *row = moved(*row, n, Action::PageDown),
        _ => {
            let before = editor.text.clone();
            if editor.key(key) && editor.text != before {
                *row = 0;
            }
        }
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
