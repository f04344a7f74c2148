//! What a port may use beside its fixed addresses goes with it.

use super::*;

#[test]
fn a_machine_with_address_pairs_leaves_none_of_them_behind() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let virtual_end = end("00:00:5e:00:01:01", "192.168.101.200");
    let nic = Nic::new(BRIDGE, "tapa1a1a1a1-26", "fa:16:3e:be:71:26");
    let (machine, tap) = boot(&lab, "router", nic.clone());
    let ping = frames::echo_request(peer_v4(), virtual_end);
    peer.packets("vxlan-267").send(&ping);
    assert!(tap.receive(SOON, |it| it == ping).is_some());
    machine.call("stopped");
    let left = lab.ok("nft list table bridge vmhook");
    assert!(!left.contains(nic.tap()), "{left}");
}
