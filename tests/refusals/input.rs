//! Standard input that is no domain.

use super::*;

#[test]
fn what_is_no_domain_is_refused_by_the_name_that_libvirt_gave() {
    World::run(|world| {
        let before = world.dump();
        let vm = Vm::new(1);
        let large = vec![b' '; 10 << 20];
        let cut = vm.xml().into_bytes()[..400].to_vec();
        let twice = vm.xml().repeat(2).into_bytes();
        for (input, words) in [
            (b"".to_vec(), ""),
            (b"not XML".to_vec(), ""),
            (b"<domain/>".to_vec(), ""),
            (b"<network/>".to_vec(), ""),
            (cut, ""),
            (twice, ""),
            (b"\xff\xfe\x00".to_vec(), ""),
            (large, "its XML is larger than 8 MiB"),
        ] {
            for operation in ["prepare", "start", "started"] {
                let arguments = ["qemu", "a name", operation, "begin", "-"];
                let outcome = world.call_with(&arguments, input.clone()).end();
                assert_refused(&outcome, &["vmhook: domain a name: ", words]);
            }
            for operation in ["stopped", "release", "reconnect"] {
                let arguments = ["qemu", "a name", operation, "end", "-"];
                let outcome = world.call_with(&arguments, input.clone()).end();
                assert_silent(&outcome);
            }
        }
        assert_same(&world.dump(), &before, "nothing was touched");
    });
}

#[test]
fn a_machine_is_found_by_its_name_where_its_xml_cannot_be_read() {
    World::run(|world| {
        let empty = world.dump();
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        world.unplug(&vm);
        for operation in ["stopped", "release"] {
            let arguments = ["qemu", "vm1", operation, "end", "-"];
            assert_silent(&world.call_with(&arguments, vec![b'x'; 10 << 20]).end());
            assert!(world.open_taps().is_empty(), "{operation}");
        }
        assert_same(&world.dump(), &empty, "after its end");
    });
}

#[test]
fn a_name_is_no_option_and_stays_on_one_line() {
    World::run(|world| {
        let mut vm = Vm::new(1);
        vm.nics[0].group = "nobody".into();
        for name in ["--help", "a\nb", "$(reboot)", "ü"] {
            let arguments = ["qemu", name, "prepare", "begin", "-"];
            vm.name = name.replace('<', "&lt;");
            let outcome = world.call_with(&arguments, vm.xml().into_bytes()).end();
            assert_refused(&outcome, &["\"nobody\" is not defined"]);
        }
    });
}
