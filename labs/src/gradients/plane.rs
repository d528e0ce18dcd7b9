//! Order and chaos over (`sigma_w`, `sigma_b`): theory beside measurement.

use super::setup::Setup;
use crate::order_chaos::{OrderChaos, SAMPLES, place};
use crate::work::Work;
use crate::{Figure, Finding, Result};

const FIRST_NETWORK: u64 = 1 << 28;

pub struct Plane(OrderChaos);

impl Plane {
    pub fn new(setup: &Setup) -> Self {
        Self(OrderChaos::new(setup.network()))
    }
}

impl Work<Setup> for Plane {
    fn title(&self) -> &'static str {
        "order and chaos"
    }

    fn stage(&self) -> String {
        self.0.stage()
    }

    fn cost(&self) -> (f64, f64) {
        self.0.cost()
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        self.0.step(|config, index| setup.measure(config, FIRST_NETWORK + index, SAMPLES)?.input_norms())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let here: Vec<_> = place(&setup.network()).into_iter().collect();
        vec![self.0.figure(&here, "sigma_w and sigma_b under study")]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        vec![self.0.finding()]
    }
}
