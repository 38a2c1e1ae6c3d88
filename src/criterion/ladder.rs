//! How many weights each prune removes: pure counting, so that the plan knows the ladder before anything runs.

use crate::units::Rate;

/// How many of `kept` weights one prune at `rate` removes within a scope: rate × kept, rounded half up.
pub fn removed(rate: Rate, kept: usize) -> usize {
    rate.of(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::percent;

    /// Layers that are pruned each by its own rate.
    struct Network(Vec<(usize, Rate)>);

    impl Network {
        fn add(&mut self, count: usize, rate: f64) {
            self.0.push((count, Rate::try_from(rate).unwrap()));
        }

        fn total(&self) -> usize {
            self.0.iter().map(|(kept, _)| kept).sum()
        }

        fn survivors(mut self, levels: usize) -> Vec<usize> {
            let mut prune = || {
                self.0.iter_mut().for_each(|(kept, rate)| *kept -= removed(*rate, *kept));
                self.total()
            };
            (0..levels).map(|_| prune()).collect()
        }

        fn percents(self, levels: usize) -> String {
            let dense = self.total() as f64;
            let percents: Vec<String> =
                self.survivors(levels).iter().map(|kept| percent(*kept as f64 / dense)).collect();
            percents.join(" ")
        }
    }

    /// Frankle & Carbin's convolutional networks: pairs of 3×3 convolutions, each pair followed by a 2×2 pool, on
    /// 32×32×3; then 256, 256, 10.
    fn conv(pairs: &[usize], rate: f64) -> Network {
        let mut network = Network(Vec::new());
        let (mut channels, mut side) = (3, 32);
        for width in pairs {
            network.add(9 * channels * width, rate);
            network.add(9 * width * width, rate);
            (channels, side) = (*width, side / 2);
        }
        network.add(side * side * channels * 256, 0.2);
        network.add(256 * 256, 0.2);
        network.add(256 * 10, 0.1);
        network
    }

    #[test]
    fn lenet_descends_frankle_and_carbins_ladder() {
        let mut lenet = Network(Vec::new());
        lenet.add(784 * 300, 0.2);
        lenet.add(300 * 100, 0.2);
        lenet.add(100 * 10, 0.1);
        assert_eq!(lenet.total(), 266_200);
        let ladder = [
            213_060, 170_538, 136_511, 109_282, 87_490, 70_051, 56_094, 44_923, 35_981, 28_823, 23_093, 18_506, 14_834,
            11_893, 9_537, 7_650,
        ];
        assert_eq!(lenet.survivors(16), ladder);
    }

    #[test]
    fn conv_2_descends_frankle_and_carbins_ladder() {
        let network = conv(&[64], 0.1);
        assert_eq!(network.total(), 4_300_992);
        let ladder = "80.1% 64.2% 51.4% 41.2% 33% 26.5% 21.2% 17% 13.7% 11% 8.8% 7.1% 5.7% 4.6%";
        assert_eq!(network.percents(14), ladder);
    }

    #[test]
    fn conv_4_descends_frankle_and_carbins_ladder() {
        let network = conv(&[64, 128], 0.1);
        assert_eq!(network.total(), 2_425_024);
        let ladder = "81.1% 65.8% 53.5% 43.6% 35.6% 29.1% 23.9% 19.6% 16.2% 13.3% 11.1% 9.2% 7.7%";
        assert_eq!(network.percents(13), ladder);
    }

    #[test]
    fn conv_6_descends_frankle_and_carbins_ladder() {
        let network = conv(&[64, 128, 256], 0.15);
        assert_eq!(network.total(), 2_261_184);
        let ladder = "82.5% 68.2% 56.4% 46.7% 38.7% 32.1% 26.6% 22.1% 18.4% 15.3% 12.7%";
        assert_eq!(network.percents(11), ladder);
    }
}
