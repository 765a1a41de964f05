//! Charts: shapes of numbers for the page's SVG elements. Pure.

use std::fmt::Write as _;

/// How high a chart is, in units of its view box.
pub(super) const HEIGHT: u64 = 100;

/// The shapes of stacked bars: a path for each series, from the bottom up. `columns` has the numbers
/// of each bar; a bar as high as `most` is as high as the chart.
#[must_use]
pub(super) fn stacked(columns: &[Vec<u64>], series: usize, most: u64) -> Vec<String> {
    let mut paths = vec![String::new(); series];
    for (column, numbers) in columns.iter().enumerate() {
        let mut below = 0_u64;
        for (path, number) in paths.iter_mut().zip(numbers) {
            if *number > 0 {
                let (bottom, top) =
                    (height(below, most), height(below.saturating_add(*number), most));
                // What is there can be seen.
                let bar = (top - bottom).clamp(10, 10 * HEIGHT);
                let from = 10 * HEIGHT - bottom.min(10 * HEIGHT - bar);
                let (from, bar) = (tenths(from), tenths(bar));
                // An error is not possible: it is a text.
                let _ = write!(path, "M{column} {from}h.9v-{bar}h-.9z");
            }
            below = below.saturating_add(*number);
        }
    }
    paths
}

/// The height of a number, in tenths of a unit.
fn height(number: u64, most: u64) -> u64 {
    let tenths = u128::from(number) * u128::from(10 * HEIGHT) / u128::from(most.max(1));
    u64::try_from(tenths).unwrap_or(u64::MAX).min(10 * HEIGHT)
}

fn tenths(number: u64) -> String {
    match number % 10 {
        0 => format!("{}", number / 10),
        rest => format!("{}.{rest}", number / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other() {
        let paths = stacked(&[vec![5, 5], vec![0, 10], vec![1, 0]], 2, 10);
        assert_eq!(paths[0], "M0 100h.9v-50h-.9zM2 100h.9v-10h-.9z");
        assert_eq!(paths[1], "M0 50h.9v-50h-.9zM1 100h.9v-100h-.9z");
    }

    #[test]
    fn numbers_of_any_size_stay_within_the_chart() {
        let paths = stacked(&[vec![u64::MAX, u64::MAX, 1]], 3, u64::MAX);
        assert_eq!(paths[0], "M0 100h.9v-100h-.9z");
        assert_eq!(paths[2], "M0 1h.9v-1h-.9z");
        assert_eq!(stacked(&[vec![1]], 1, 1_000_000), ["M0 100h.9v-1h-.9z"]);
        assert_eq!(stacked(&[vec![0]], 1, 0), [""]);
    }
}
