//! A lab some of whose controls are there only with one word of another, as in the lab of exercises.

use super::{app_of, effects, press, text};
use crate::tui::app::App;
use candelab_labs::claim::Claim;
use candelab_labs::control::{self, Settings, Visitor};
use candelab_labs::{Case, Context, Control, Experiment, Lab, LabError, Preset, Result};
use std::sync::LazyLock;

static LABS: &[&dyn Lab] = &[&Exercises];

/// A hundred words; a few of them have inputs.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let numbered = (4..100).map(|i| &*Box::leak(format!("exercise-{i:02}").into_boxed_str()));
    ["all", "conv", "pool", "small"].into_iter().chain(numbered).collect()
});

struct Exercises;

#[derive(Clone)]
struct Values {
    repeats: usize,
    exercise: usize,
    inputs: [usize; 3],
}

impl Default for Values {
    fn default() -> Self {
        Self { repeats: 1, exercise: 0, inputs: [3, 1, 0] }
    }
}

impl Settings for Values {
    fn visit(&mut self, v: &mut dyn Visitor) {
        v.int("repeats", &mut self.repeats, 1..=9, "how often");
        // Before the word that brings them, so that their coming moves it.
        let [kernel, stride, padding] = &mut self.inputs;
        match WORDS[self.exercise] {
            "conv" => v.int("stride", stride, 1..=9, "stride"),
            "pool" => v.int("padding", padding, 0..=9, "padding"),
            _ => {}
        }
        match WORDS[self.exercise] {
            "conv" | "pool" => v.int("kernel", kernel, 1..=1024, "size of the kernel"),
            "small" => v.int("kernel", kernel, 1..=5, "size of the kernel"),
            _ => {}
        }
        if let Some(index) = v.word("exercise", WORDS[self.exercise], &WORDS, "which one") {
            self.exercise = index;
        }
    }
}

impl Lab for Exercises {
    fn id(&self) -> &'static str {
        "exercises"
    }
    fn title(&self) -> &'static str {
        "Exercises"
    }
    fn question(&self) -> &'static str {
        "What comes out?"
    }
    fn controls(&self) -> Vec<Control> {
        control::list(&Values::default())
    }
    fn configure(&self, values: &[(String, String)]) -> Result<Vec<Control>> {
        let values = control::apply::<Values>(self.id(), values)?;
        if values.exercise == 1 && values.inputs[0] < values.inputs[1] {
            let (name, value) = ("stride".into(), values.inputs[1].to_string());
            return Err(LabError::BadValue { name, value, expected: "no more than the kernel".into() });
        }
        Ok(control::list(&values))
    }
    fn start(&self, _: &[(String, String)], _: Context) -> Result<Box<dyn Experiment>> {
        Err(LabError::Embedded { name: "exercises", problem: "they are only looked at".into() })
    }
    fn cases(&self, _: Preset) -> Vec<Case> {
        Vec::new()
    }
    fn claims(&self) -> Result<Vec<Claim>> {
        Ok(Vec::new())
    }
}

fn start() -> App {
    app_of(LABS, 120, 40)
}

/// Selects the control `name`, sees that it is selected, and sets it.
fn set(app: &mut App, name: &str, value: &str) {
    let index = app.controls.now.iter().position(|c| c.name == name).unwrap();
    app.controls.row = app.visible_controls().iter().position(|i| *i == index).unwrap();
    press(app, "\n");
    app.key(&ratatui::crossterm::event::KeyEvent::new(
        ratatui::crossterm::event::KeyCode::Char('u'),
        ratatui::crossterm::event::KeyModifiers::CONTROL,
    ));
    app.paste(value);
    press(app, "\n");
}

fn values(app: &App) -> Vec<String> {
    app.controls.values().iter().map(|(n, v)| format!("{n}={v}")).collect()
}

fn names(app: &App) -> Vec<&str> {
    app.controls.now.iter().map(|c| c.name).collect()
}

fn selected(app: &App) -> &str {
    app.controls.now[app.visible_controls()[app.controls.row]].name
}

#[test]
fn controls_come_and_go_with_the_word_that_brings_them() {
    let mut app = start();
    assert_eq!(names(&app), ["repeats", "exercise"]);
    set(&mut app, "repeats", "7");
    set(&mut app, "exercise", "conv");
    assert_eq!(names(&app), ["repeats", "stride", "kernel", "exercise"]);
    assert_eq!((selected(&app), values(&app)), ("exercise", vec!["repeats=7".into(), "exercise=conv".into()]));
    set(&mut app, "kernel", "50");
    set(&mut app, "stride", "3");
    assert_eq!(values(&app), ["repeats=7", "stride=3", "kernel=50", "exercise=conv"]);
    // The stride is gone; the kernel is the same control and keeps its value.
    set(&mut app, "exercise", "pool");
    assert_eq!(names(&app), ["repeats", "padding", "kernel", "exercise"]);
    assert_eq!(values(&app), ["repeats=7", "kernel=50", "exercise=pool"]);
    // Here it is another kernel, which could not be 50.
    set(&mut app, "exercise", "small");
    assert_eq!(values(&app), ["repeats=7", "exercise=small"]);
    set(&mut app, "kernel", "5");
    // And there another again, which could be 5 but is not that one.
    set(&mut app, "exercise", "conv");
    assert_eq!(values(&app), ["repeats=7", "exercise=conv"]);
    set(&mut app, "exercise", "exercise-42");
    assert_eq!((names(&app), selected(&app)), (vec!["repeats", "exercise"], "exercise"));
    press(&mut app, " ");
    assert_eq!(effects(&mut app), ["start exercises seed 7 repeats=7 exercise=exercise-42"]);
}

#[test]
fn an_input_has_the_default_that_it_appears_with_and_can_go_back_to_it() {
    let mut app = start();
    set(&mut app, "exercise", "conv");
    assert!(
        (0..app.controls.now.len()).all(|i| app.controls.is_changed(i) == (app.controls.now[i].name == "exercise"))
    );
    set(&mut app, "kernel", "50");
    press(&mut app, "d");
    assert_eq!((selected(&app), values(&app)), ("kernel", vec!["exercise=conv".into()]));
}

#[test]
fn a_refused_value_keeps_everything_and_says_why() {
    let mut app = start();
    set(&mut app, "exercise", "conv");
    set(&mut app, "stride", "4");
    assert!(text(&app).contains("control 'stride' cannot be '4': expected"), "{}", text(&app));
    press(&mut app, "\x1b");
    assert_eq!(values(&app), ["exercise=conv"]);
}

#[test]
fn one_of_a_hundred_words_is_found_by_its_letters() {
    let mut app = start();
    press(&mut app, "v\n");
    assert!(text(&app).contains("* all") && text(&app).contains("100 words"), "{}", text(&app));
    press(&mut app, "e4");
    // Words that have it as it stands would come first; here the letters stand apart.
    let screen = text(&app);
    assert!(screen.contains("exercise-04") && !screen.contains("exercise-03"), "{screen}");
    press(&mut app, "2\n");
    assert_eq!(values(&app), ["exercise=exercise-42"]);
    press(&mut app, "\nzzz\n");
    assert!(text(&app).contains("no word has these letters"), "Enter chooses nothing: {}", text(&app));
    press(&mut app, "\x1b");
    assert_eq!(values(&app), ["exercise=exercise-42"]);
    // Without letters the arrows begin at the present word.
    press(&mut app, "\nv\n");
    assert_eq!(values(&app), ["exercise=exercise-43"]);
}

#[test]
fn the_filter_and_the_selection_survive_the_change() {
    let mut app = start();
    press(&mut app, "/exer\n>");
    assert_eq!(
        (values(&app), app.visible_controls(), selected(&app)),
        (vec!["exercise=conv".into()], vec![3], "exercise")
    );
    press(&mut app, ">>>");
    assert_eq!((app.visible_controls(), selected(&app)), (vec![1], "exercise"));
    press(&mut app, "<<<<\x1bG");
    assert_eq!((names(&app), selected(&app)), (vec!["repeats", "exercise"], "exercise"));
    assert!(values(&app).is_empty());
}
