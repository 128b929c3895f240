// Ports that dials leave from, and TCP through NATs: on loopback, and between two namespaces behind nftables.
#include <gtest/gtest.h>

#include <set>

#include "tests/realnet/namespaces.h"
#include "tests/realnet/raw_peer.h"
#include "tests/realnet/recorder.h"

namespace np2p::real {
namespace {

using test::LinkWorld;
using test::Namespace;
using test::Recorder;

Address at(const char* ip, std::uint16_t port) {
  Address address = Address::parse(std::string(ip) + ":0").value();
  address.port = port;
  return address;
}

class OpenPortTest : public LinkWorld {
 protected:
  Recorder alice_{io_};
  Recorder bob_{io_};
};

TEST_F(OpenPortTest, TakesConnectionsUntilItIsClosed) {
  const std::uint16_t port = bob_.links.open_port();
  ASSERT_NE(port, 0);
  ASSERT_NE(port, bob_.address.port);
  const LinkId link = alice_.links.dial(at("127.0.0.1", port));
  ASSERT_TRUE(run_until([&] { return !alice_.up.empty() && !bob_.up.empty(); }));
  EXPECT_EQ(bob_.up[0].path, Path::direct);
  EXPECT_FALSE(bob_.up[0].outbound);
  bob_.links.close_port(port);
  const LinkId refused = alice_.links.dial(at("127.0.0.1", port));
  ASSERT_TRUE(run_until([&] { return !alice_.down.empty(); }));
  EXPECT_EQ(alice_.fate(refused), CloseReason::refused);
  // The link that came in over it outlives it.
  alice_.links.send(link, Frame(bytes_of("still")), Priority::post, Traffic::payload);
  alice_.links.pump();
  EXPECT_TRUE(run_until([&] { return !bob_.frames.empty(); }));
}

TEST_F(OpenPortTest, ServesDialsToSeveralAndConnectionsAtOnce) {
  Recorder carol(io_);
  const std::uint16_t port = alice_.links.open_port();
  alice_.links.dial_from(port, bob_.address);
  alice_.links.dial_from(port, carol.address);
  bob_.links.dial(at("127.0.0.1", port));
  ASSERT_TRUE(run_until([&] { return alice_.up.size() == 3 && bob_.up.size() == 2 && carol.up.size() == 1; }));
  EXPECT_EQ(carol.up[0].remote.port, port);
  std::set<std::uint16_t> seen;
  for (const auto& info : bob_.up) seen.insert(info.remote.port);
  EXPECT_EQ(seen.count(port), 1u);
}

TEST_F(OpenPortTest, ASecondDialToTheSamePlaceIsADuplicate) {
  const std::uint16_t port = alice_.links.open_port();
  alice_.links.dial_from(port, bob_.address);
  ASSERT_TRUE(run_until([&] { return !alice_.up.empty(); }));
  const LinkId second = alice_.links.dial_from(port, bob_.address);
  ASSERT_TRUE(run_until([&] { return !alice_.down.empty(); }));
  EXPECT_EQ(alice_.fate(second), CloseReason::duplicate_link);
  EXPECT_EQ(bob_.up.size(), 1u);
}

TEST_F(OpenPortTest, ThereAreNotAnyNumberOfThem) {
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 100; ++i) ports.insert(alice_.links.open_port());
  EXPECT_EQ(ports.count(0), 1u);
  EXPECT_LT(ports.size(), 100u);
  alice_.links.close_port(*ports.rbegin());
  EXPECT_NE(alice_.links.open_port(), 0);
}

// Two nodes that punch towards each other, whose keys are in this order.
class PunchTest : public LinkWorld {
 protected:
  static bool ordered(const Recorder& a, const Recorder& b) { return a.key->id() < b.key->id(); }
  // One link on each side, of the roles and the path that a punch gives.
  static void expect_punched(const Recorder& a, const Recorder& b) {
    ASSERT_EQ(a.up.size(), 1u);
    ASSERT_EQ(b.up.size(), 1u);
    EXPECT_EQ(a.up[0].peer, b.key->id());
    EXPECT_EQ(b.up[0].peer, a.key->id());
    EXPECT_EQ(a.up[0].path, Path::punched);
    EXPECT_EQ(b.up[0].path, Path::punched);
    EXPECT_EQ(a.up[0].outbound, ordered(a, b));
    EXPECT_EQ(b.up[0].outbound, ordered(b, a));
  }
};

// Loopback is too quick for two SYNs to meet: the first finds the other's acceptor, and the second dial finds its four
// numbers taken. Whoever is first, whichever key is smaller, both get the same roles.
TEST_F(PunchTest, TheFirstSynFindsTheOtherSidesPort) {
  int smaller_first = 0;
  int larger_first = 0;
  for (int round = 0; round < 40 && (smaller_first < 2 || larger_first < 2); ++round) {
    Recorder first(io_);
    Recorder second(io_);
    ++(ordered(first, second) ? smaller_first : larger_first);
    const std::uint16_t from = first.links.open_port();
    const std::uint16_t to = second.links.open_port();
    const MonoTime now = mono_now();
    first.links.punch(from, at("127.0.0.1", to), second.key->id(), now + 50ms);
    const LinkId late = second.links.punch(to, at("127.0.0.1", from), first.key->id(), now + 60ms);
    ASSERT_TRUE(run_until([&] { return !first.up.empty() && !second.up.empty() && !second.down.empty(); }));
    expect_punched(first, second);
    EXPECT_EQ(second.fate(late), CloseReason::duplicate_link);
    EXPECT_TRUE(first.down.empty());
  }
  EXPECT_GE(smaller_first, 2);
  EXPECT_GE(larger_first, 2);
}

// Nobody punches back, but the port is open (its NAT is a full cone): the acceptor cannot know, the roles agree anyway.
TEST_F(PunchTest, AloneItFindsAnOpenPort) {
  for (int round = 0; round < 4; ++round) {
    Recorder alice(io_);
    Recorder bob(io_);
    const LinkId link =
        alice.links.punch(alice.links.open_port(), at("127.0.0.1", bob.links.open_port()), bob.key->id(), mono_now());
    ASSERT_TRUE(run_until([&] { return !alice.up.empty() && !bob.up.empty(); }));
    EXPECT_EQ(alice.up[0].link, link);
    EXPECT_EQ(alice.up[0].outbound, ordered(alice, bob));
    EXPECT_EQ(bob.up[0].outbound, ordered(bob, alice));
  }
}

TEST_F(PunchTest, ARefusalEndsOnlyTheSynThatItAnswers) {
  Recorder alice(io_);
  Recorder bob(io_);
  const std::uint16_t port = bob.links.open_port();
  bob.links.close_port(port);
  const MonoTime start = mono_now();
  const LinkId link = alice.links.punch(alice.links.open_port(), at("127.0.0.1", port), bob.key->id(), start);
  EXPECT_FALSE(run_until([&] { return !alice.down.empty(); }, 500ms));  // refused at once, goes on
  ASSERT_TRUE(run_until([&] { return !alice.down.empty(); }));
  EXPECT_EQ(alice.fate(link), CloseReason::refused);
  EXPECT_GE(mono_now() - start, 3s);  // the third
}

TEST_F(PunchTest, ClosedBeforeItsMomentItNeverSends) {
  Recorder alice(io_);
  Recorder bob(io_);
  const LinkId link = alice.links.punch(alice.links.open_port(), bob.address, bob.key->id(), mono_now() + 300ms);
  EXPECT_FALSE(run_until([&] { return !bob.up.empty(); }, 100ms));
  alice.links.close(link, CloseReason::local);
  EXPECT_FALSE(run_until([&] { return !bob.up.empty() || !alice.down.empty(); }, 400ms));
  EXPECT_EQ(alice.links.open_count(), 0u);
}

TEST_F(PunchTest, WhatComesUpMustBeThePeer) {
  Recorder alice(io_);
  Recorder bob(io_);
  Recorder mallory(io_);
  const LinkId link = alice.links.punch(alice.links.open_port(), mallory.address, bob.key->id(), mono_now());
  ASSERT_TRUE(run_until([&] { return !alice.down.empty(); }));
  EXPECT_TRUE(alice.up.empty());
  EXPECT_EQ(alice.fate(link), CloseReason::protocol_error);
  EXPECT_EQ(alice.rejected[ErrorCode::forbidden], 1);
}

// A mark and then silence, or rubbish: an inbound connection like any other that proves nothing.
TEST_F(PunchTest, AMarkAloneIsNoLink) {
  Recorder node(io_);
  asio::io_context peers;
  for (const std::string& words : {std::string("p"), std::string("pp"), std::string("pGET / HTTP/1.1\r\n\r\n")}) {
    tcp::socket peer(peers);
    peer.connect(to_endpoint(node.address));
    asio::write(peer, asio::buffer(words));
    EXPECT_FALSE(run_until([&] { return !node.up.empty() || !node.down.empty(); }, 200ms));
  }
  EXPECT_TRUE(run_until([&] { return node.links.open_count() == 0; }));
  EXPECT_TRUE(node.up.empty());
  EXPECT_TRUE(node.down.empty());
}

// Two hosts behind two routers, and the Internet between them.
class NatTest : public PunchTest {
 protected:
  struct Home {
    Namespace router;
    Namespace host;
    std::string public_ip;
  };
  void build(Home& home, const std::string& n, const std::string& masquerade) {
    home.public_ip = "198.18.0.1" + n;
    const std::string lan = "198.19." + n + ".";
    connect(home.router, "wan", home.public_ip + "/24", internet_, "to" + n, "0.0.0.0");
    internet_.run("ip link set to" + n + " master bridge");
    connect(home.host, "eth", lan + "2/24", home.router, "lan", lan + "1/24");
    home.host.run("ip route add default via " + lan + "1");
    home.router.run("sysctl -q -w net.ipv4.ip_forward=1");
    home.router.run(
        "nft 'add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; "
        "add rule ip nat post oifname wan masquerade " +
        masquerade + "'");
    home.router.run(
        "nft 'add table ip filter; add chain ip filter in { type filter hook input priority 0; }; "
        "add rule ip filter in iifname wan ct state new drop; "
        "add chain ip filter forward { type filter hook forward priority 0; }; "
        "add rule ip filter forward iifname wan ct state new drop'");
  }
  void punch(const std::string& masquerade) {
    internet_.run("ip link add bridge type bridge");
    internet_.run("ip link set bridge up");
    build(home_a_, "1", masquerade);
    build(home_b_, "2", masquerade);
    const Address any = Address::v4(0, 0);
    home_a_.host.inside([&] { alice_ = std::make_unique<Recorder>(io_, "test", Limits{}, LinkProfile{}, any); });
    home_b_.host.inside([&] { bob_ = std::make_unique<Recorder>(io_, "test", Limits{}, LinkProfile{}, any); });
    // A port-preserving NAT shows each port as it is; a random one shows another, which no relay could have told.
    std::uint16_t from = 0;
    std::uint16_t to = 0;
    home_a_.host.inside([&] { from = alice_->links.open_port(); });
    home_b_.host.inside([&] { to = bob_->links.open_port(); });
    const MonoTime start = mono_now();
    // The dial opens its socket when its moment has come: so the world runs on inside the right namespace.
    home_a_.host.inside([&] {
      at_alice_ = alice_->links.punch(from, at(home_b_.public_ip.c_str(), to), bob_->key->id(), start);
      io_.restart();
      io_.poll();
    });
    home_b_.host.inside([&] {
      at_bob_ = bob_->links.punch(to, at(home_a_.public_ip.c_str(), from), alice_->key->id(), start);
      io_.restart();
      io_.poll();
    });
  }
  Namespace internet_;
  Home home_a_, home_b_;
  std::unique_ptr<Recorder> alice_, bob_;
  LinkId at_alice_, at_bob_;
};

TEST_F(NatTest, PortPreservingNatsArePunched) {
  punch("");
  ASSERT_TRUE(run_until([&] { return !alice_->up.empty() && !bob_->up.empty(); }));
  expect_punched(*alice_, *bob_);
  EXPECT_EQ(alice_->up[0].link, at_alice_);
  EXPECT_EQ(alice_->up[0].remote.ip_text(), home_b_.public_ip);
  alice_->links.send(at_alice_, Frame(bytes_of("through two NATs")), Priority::post, Traffic::payload);
  alice_->links.pump();
  EXPECT_TRUE(run_until([&] { return !bob_->frames.empty(); }));
}

TEST_F(NatTest, NatsWithRandomPortsAreNot) {
  const MonoTime start = mono_now();
  punch("fully-random");
  ASSERT_TRUE(run_until([&] { return !alice_->down.empty() && !bob_->down.empty(); }, 15s));
  EXPECT_EQ(alice_->fate(at_alice_), CloseReason::timed_out);
  EXPECT_EQ(bob_->fate(at_bob_), CloseReason::timed_out);
  EXPECT_GE(mono_now() - start, 6500ms);
  EXPECT_TRUE(alice_->up.empty());
}

}  // namespace
}  // namespace np2p::real
