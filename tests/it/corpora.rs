//! What is kept of the fuzz targets' inputs, played as tests: what was found once stays found.

use std::fs;

use super::source::package;

#[path = "../../fuzz/src/lib.rs"]
pub mod targets;

#[test]
fn every_fuzz_target_holds_for_its_corpus() {
    for (name, run) in targets::TARGETS {
        let folder = package().join("fuzz/corpus").join(name);
        let mut inputs = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // A claim that does not hold panics; this says where.
            println!("{}", path.display());
            run(&fs::read(&path).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 3, "{name}: expected some inputs, found {inputs}");
    }
}

#[test]
fn every_fuzz_target_takes_what_is_cut_off() {
    for (name, run) in targets::TARGETS {
        let folder = package().join("fuzz/corpus").join(name);
        for entry in fs::read_dir(&folder).unwrap() {
            let data = fs::read(entry.unwrap().path()).unwrap();
            for part in 0..8 {
                run(&data[..data.len() * part / 8]);
            }
        }
    }
}

#[test]
fn every_fuzz_target_is_a_program_with_a_corpus() {
    let manifest = fs::read_to_string(package().join("fuzz/Cargo.toml")).unwrap();
    let programs = manifest.matches("[[bin]]").count();
    assert_eq!(programs, targets::TARGETS.len(), "one program a target");
    for (name, _) in targets::TARGETS {
        let program = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&program), "fuzz/Cargo.toml lacks {name}");
    }
}

#[test]
fn a_stored_count_of_samples_at_its_end_stays_there() {
    let file = "fuzz/corpus/state/a-count-of-samples-at-its-end";
    targets::state::run(&fs::read(package().join(file)).unwrap());
}
