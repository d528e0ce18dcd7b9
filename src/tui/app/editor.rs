//! A line of text that is being typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The text and the cursor, as a number of characters before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Editor {
    /// What was typed so far.
    pub text: String,
    /// Characters before the cursor.
    pub cursor: usize,
}

impl Editor {
    /// An editor with `text` in it and the cursor at its end.
    pub fn with(text: &str) -> Self {
        Self { text: text.into(), cursor: text.chars().count() }
    }

    /// Takes a key; answers whether it was one for an editor.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => {
                self.text.drain(..self.byte(self.cursor));
                self.cursor = 0;
            }
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.length(),
            KeyCode::Char(_) if control => return false,
            KeyCode::Char(c) => {
                self.text.insert(self.byte(self.cursor), c);
                self.cursor += 1;
            }
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.byte(self.cursor));
            }
            KeyCode::Delete if self.cursor < self.length() => {
                self.text.remove(self.byte(self.cursor));
            }
            KeyCode::Backspace | KeyCode::Delete => {}
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.length()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.length(),
            _ => return false,
        }
        true
    }

    /// The text before the cursor.
    pub fn before(&self) -> &str {
        self.text.get(..self.byte(self.cursor)).unwrap_or_default()
    }

    fn length(&self) -> usize {
        self.text.chars().count()
    }

    fn byte(&self, index: usize) -> usize {
        self.text.char_indices().nth(index).map_or(self.text.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(editor: &mut Editor, code: KeyCode) {
        assert!(editor.key(&KeyEvent::new(code, KeyModifiers::NONE)));
    }

    #[test]
    fn letters_go_in_and_out_at_the_cursor() {
        let mut e = Editor::with("0.01");
        press(&mut e, KeyCode::Backspace);
        press(&mut e, KeyCode::Home);
        press(&mut e, KeyCode::Char('1'));
        press(&mut e, KeyCode::Right);
        press(&mut e, KeyCode::Delete);
        assert_eq!((e.text.as_str(), e.cursor), ("100", 2));
        press(&mut e, KeyCode::End);
        assert_eq!(e.before(), "100");
    }

    #[test]
    fn characters_of_several_bytes_are_one_step() {
        let mut e = Editor::with("数据");
        press(&mut e, KeyCode::Left);
        press(&mut e, KeyCode::Char('字'));
        press(&mut e, KeyCode::Delete);
        assert_eq!(e.text, "数字");
    }

    #[test]
    fn control_u_empties_the_line() {
        let mut e = Editor::with("abc");
        e.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        assert_eq!(e, Editor::default());
    }
}
