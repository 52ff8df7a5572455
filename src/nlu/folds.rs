//! Splitting rows so that each is once judged by weights that never saw it.

/// How many parts. Three is enough for one parameter, and training time grows with each.
pub(super) const FOLDS: usize = 3;

/// The fold of each row: the rows of every label are dealt out in turn.
pub(super) fn deal(labels: &[usize], order: &[usize], label_count: usize) -> Vec<usize> {
    let mut next = vec![0; label_count];
    let mut folds = vec![0; labels.len()];
    for &row in order {
        let turn = labels.get(row).and_then(|&label| next.get_mut(label));
        if let (Some(turn), Some(fold)) = (turn, folds.get_mut(row)) {
            *fold = *turn % FOLDS;
            *turn += 1;
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_in_every_fold() {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1];
        let folds = deal(&labels, &[8, 1, 2, 7, 4, 5, 6, 0, 3], 2);
        for fold in 0..FOLDS {
            let of = |label| labels.iter().zip(&folds).filter(|&(&l, &f)| l == label && f == fold).count();
            assert_eq!((of(0), of(1)), (2, 1));
        }
    }
}
