//! How often an upstream fails, from its own answers and those of its peers.
//!
//! Problem: where few requests come, chance faults are as many as real ones. Taking every target for a little like its peers
//! (one Beta prior) either lets two chance faults halve a small target's share, or believes a target that fails four times
//! in ten to be nearly well for an hour. So two things are held possible: it fails as its peers do, or it has a rate of its
//! own; what it showed decides between them (the marginal likelihoods of two Beta-binomials).

use libm::lgamma;

/// Strength of the peers' fault rate as a prior, in requests. With 20, one chance fault halves a small target's share
/// for 20 s.
const AS_PEERS: f64 = 60.0;
/// Prior that it has a rate of its own. Halved, a target that fails in every third case needs one fault more to be left;
/// doubled, chance faults of small targets cost them shares.
const OF_ITS_OWN: f64 = 0.05;
/// Its own rate may be anything: Jeffreys' prior, Beta(½, ½).
const ANYTHING: f64 = 0.5;

/// The probability that the next request fails, and its squared uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Belief {
    pub(super) mean: f64,
    pub(super) variance: f64,
}

/// A Beta distribution.
#[derive(Clone, Copy, Debug)]
struct Beta {
    faults: f64,
    ok: f64,
}

impl Beta {
    fn after(self, ok: f64, faults: f64) -> Self {
        Self {
            faults: self.faults + faults,
            ok: self.ok + ok,
        }
    }

    fn mean(self) -> f64 {
        self.faults / (self.faults + self.ok)
    }

    fn variance(self) -> f64 {
        let mean = self.mean();
        mean * (1.0 - mean) / (self.faults + self.ok + 1.0)
    }

    /// Logarithm of the beta function: what its density is divided by.
    fn ln_norm(self) -> f64 {
        lgamma(self.faults) + lgamma(self.ok) - lgamma(self.faults + self.ok)
    }
}

/// What `ok` answers and `faults` say of an upstream whose peers fail at `peers`, above 0.
pub(super) fn belief(ok: f64, faults: f64, peers: f64) -> Belief {
    let peers = peers.clamp(1e-6, 1.0 - 1e-6);
    let priors = [
        Beta {
            faults: AS_PEERS * peers,
            ok: AS_PEERS * (1.0 - peers),
        },
        Beta {
            faults: ANYTHING,
            ok: ANYTHING,
        },
    ];
    let posteriors = priors.map(|prior| prior.after(ok, faults));
    let evidence = |i: usize| posteriors[i].ln_norm() - priors[i].ln_norm();
    let odds = OF_ITS_OWN / (1.0 - OF_ITS_OWN) * (evidence(1) - evidence(0)).exp();
    let own = if odds.is_finite() {
        odds / (1.0 + odds)
    } else {
        1.0
    };
    let parts = [(1.0 - own, posteriors[0]), (own, posteriors[1])];
    let mean: f64 = parts.iter().map(|(part, beta)| part * beta.mean()).sum();
    let variance = parts.iter().map(|(part, beta)| {
        let off = beta.mean() - mean;
        part * (beta.variance() + off * off)
    });
    Belief {
        mean,
        variance: variance.sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_answers_it_fails_as_its_peers_do() {
        let nothing = belief(0.0, 0.0, 0.01);
        assert!(nothing.mean < 0.04, "nearly, found {}", nothing.mean);
    }

    #[test]
    fn one_chance_fault_says_little_and_four_in_ten_say_it_all() {
        assert!(belief(16.0, 1.0, 0.01).mean < 0.03);
        let often = belief(9.0, 6.0, 0.05);
        assert!((0.3..0.5).contains(&often.mean), "found {}", often.mean);
    }

    #[test]
    fn who_never_fails_is_not_taken_for_a_peer_that_does() {
        let well = belief(200.0, 0.0, 0.1);
        assert!(well.mean < 0.01, "found {}", well.mean);
    }

    #[test]
    fn another_fault_never_lowers_the_rate() {
        for peers in [0.001, 0.02, 0.3] {
            for ok in [0.0, 3.0, 17.0, 300.0] {
                let rates = (0..60).map(|faults| belief(ok, f64::from(faults) * 0.5, peers).mean);
                let rates: Vec<f64> = rates.collect();
                assert!(rates.is_sorted(), "{peers} {ok}: {rates:?}");
            }
        }
    }
}
