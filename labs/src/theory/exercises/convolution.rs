//! Convolution and pooling: output sizes, parameters, receptive fields, work.

use crate::theory::{Answer, Exercise, Input, Inputs, Solution};
use crate::{LabError, Result};

pub(super) static EXERCISES: &[Exercise] = &[Exercise {
    name: "conv-size",
    question: "How large is the output of a convolution or a pooling, and what does it cost?",
    source: "notes 004:537",
    worked: &["E32"],
    inputs: &[
        Input::int("input", 28, 1..=65_536, "height and width of the input"),
        Input::int("kernel", 3, 1..=1024, "height and width of the kernel"),
        Input::int("stride", 1, 1..=1024, "stride"),
        Input::int("padding", 0, 0..=1024, "padding on each side"),
        Input::int("dilation", 1, 1..=1024, "distance of the kernel's taps"),
        Input::int("in_channels", 1, 1..=65_536, "input channels"),
        Input::int("out_channels", 32, 1..=65_536, "output channels (filters)"),
        Input::flag("bias", true, "one bias for each filter"),
    ],
    picture: None,
    solve: conv_size,
}];

/// The output's extent: floor((n + 2p - d(k - 1) - 1) / s) + 1 (Dumoulin and Visin 2016, relationship 15).
pub fn conv_extent(input: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Result<usize> {
    let reach = dilation * (kernel - 1) + 1;
    match (input + 2 * padding).checked_sub(reach) {
        Some(room) => Ok(room / stride + 1),
        None => Err(LabError::BadValue {
            name: "kernel".into(),
            value: kernel.to_string(),
            expected: format!("a kernel that fits: it spans {reach} of {} padded positions", input + 2 * padding),
        }),
    }
}

fn conv_size(inputs: &Inputs, _: u64) -> Result<Solution> {
    let int = |name| inputs.int(name);
    let (kernel, c_in, c_out) = (int("kernel")?, int("in_channels")?, int("out_channels")?);
    let out = conv_extent(int("input")?, kernel, int("stride")?, int("padding")?, int("dilation")?)?;
    let taps = (kernel * kernel * c_in) as f64;
    let parameters = (taps + f64::from(u8::from(inputs.flag("bias")?))) * c_out as f64;
    let positions = (out * out * c_out) as f64;
    Ok(Solution {
        answers: vec![
            Answer::exact("output", out as f64, "height and width of the output").printed("26"),
            Answer::exact("parameters", parameters, "weights and biases").printed("288"),
            Answer::exact("flop", 2.0 * taps * positions, "multiplications and additions of one image").unit("FLOP"),
        ],
        picture: None,
    })
}
