//! A guest that says it has its neighbour's Ethernet address, by every frame that a bridge might learn
//! from.

use super::*;

#[test]
fn a_stolen_mac_address_leads_no_frame_astray() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap1) = boot(&lab, "web1", web1_nic());
    let (_web2, tap2) = boot(&lab, "web2", web2_nic());
    let peer = peer.packets("vxlan-267");
    // The bridge knows where web2 is, and web1 says that it is here.
    tap2.send(&frames::numbered_ping(web2(), peer_v4(), 1));
    tap1.send(&frames::udp(web2(), peer_v4(), (4000, 53), b"I am web2"));
    tap1.send(&frames::arp_request(web2().mac, web2(), peer_v4()));
    // Such frames go to no port and pass no hook of forwarded ones, but the bridge learns from them.
    for last in 0..=0x0f {
        let group = [0x01, 0x80, 0xc2, 0, 0, last];
        tap1.send(&frames::of_type(web2().mac, group, 0x88cc, b"I am web2"));
    }

    let ping = frames::numbered_ping(peer_v4(), web2(), 2);
    peer.send(&ping);
    assert!(tap2.receive(SOON, |frame| frame == ping).is_some());
    let own = frames::numbered_ping(peer_v4(), web1(), 3);
    peer.send(&own);
    let first = tap1.receive(SOON, |frame| frame == ping || frame == own);
    assert_eq!(first, Some(own), "the other's ping does not come here");
}
