// The words of nostrp2p status, for servers in every state.
#include "realnet/cli/status_words.h"

#include <gtest/gtest.h>

namespace np2p::real {
namespace {

Address at(const char* text) {
  return *Address::parse(text);
}

// Behind a NAT, well connected, through relays.
StatusReport behind(const std::string& nat) {
  StatusReport report;
  report.user.data.fill(1);
  report.node.data.fill(2);
  report.listen = at("0.0.0.0:20000");
  report.nat = nat;
  report.asked = report.published = report.router_asked = true;
  report.active = 8;
  report.relays = {"198.51.100.1:20000", "198.51.100.2:20000"};
  return report;
}

StatusReport reachable(const char* where) {
  StatusReport report = behind("public");
  report.dialled_at = at(where);
  report.relays.clear();
  return report;
}

std::string line_of(const StatusReport& report, const std::string& name) {
  const std::string words = status_words(report);
  const auto at = words.find(name + ":");
  return at == std::string::npos ? std::string() : words.substr(at + 14, words.find('\n', at) - at - 14);
}

TEST(ModeWords, SayWherePostsGoAndWhy) {
  StatusReport report = behind("symmetric");
  EXPECT_EQ(line_of(report, "network"), "");
  EXPECT_EQ(line_of(report, "mode"), "");  // of an older server
  report.servers = 14'000;
  EXPECT_EQ(line_of(report, "network"), "about 14000 servers");
  report.mode = report.mode_now = "multicast";
  EXPECT_EQ(line_of(report, "mode"), "multicast: posts go to followers only");
  report.mode = "auto";
  EXPECT_EQ(line_of(report, "mode"), "auto: posts go to followers only; how large the network is has yet to be seen");
  report.auto_why = "above";
  report.load = 2500;
  report.budget = 1900;
  EXPECT_EQ(
      line_of(report, "mode"),
      "auto: posts go to followers only; everybody's posts to everybody would cost 2.5 kB/s, and 1.9 kB/s is what "
      "they may cost here");
  report.mode_now = "broadcast";
  report.mode_waits = true;
  report.may_switch_at = 1'750'000'000;
  EXPECT_EQ(
      line_of(report, "mode"),
      "auto: posts go to everybody; everybody's posts to everybody would cost 2.5 kB/s, and 1.9 kB/s is what they "
      "may cost here; they will go to followers only from 2025-06-15 15:06 UTC on, a day after the last change");
  report.mode_waits = false;
  report.auto_why = "popular";
  EXPECT_EQ(line_of(report, "mode"),
            "auto: posts go to everybody; a quarter of the network follows you (everybody's posts to everybody would "
            "cost 2.5 kB/s)");
}

TEST(ReachWords, SayWhichNatKeepsOthersOutAndWhichRelaysLetThemIn) {
  EXPECT_EQ(reach_words(behind("symmetric")),
            "nobody can dial this server: it is behind a NAT that gives each connection another port (symmetric), and "
            "no router opened its port by UPnP or NAT-PMP; it is reached through its relays 198.51.100.1:20000, "
            "198.51.100.2:20000");
  for (const char* kind : {"port restricted", "restricted", "full cone", "symmetric"}) {
    const std::string words = reach_words(behind(kind));
    EXPECT_NE(words.find(std::string("(") + kind + ")"), std::string::npos) << words;
  }
  EXPECT_NE(reach_words(behind("unknown")).find("a NAT or a firewall of an unknown kind"), std::string::npos);
  EXPECT_NE(reach_words(behind("endpoint-independent")).find("what that lets in is not known"), std::string::npos);
}

TEST(ReachWords, SayWhatTheRouterDid) {
  StatusReport report = behind("restricted");
  report.router_asked = false;
  EXPECT_NE(reach_words(report).find("no router was asked to open its port"), std::string::npos);
  report.router_asked = true;
  report.router_opened = at("203.0.113.9:20000");
  report.router_by = "UPnP";
  EXPECT_NE(reach_words(report).find("nobody gets in at 203.0.113.9:20000 either, which the router opened (UPnP)"),
            std::string::npos);
  report.dialled_at = report.router_opened;
  report.relays.clear();
  EXPECT_EQ(reach_words(report), "others can dial it at 203.0.113.9:20000, which the router opened (UPnP)");
}

TEST(ReachWords, SayWhereItCanBeDialled) {
  EXPECT_EQ(reach_words(reachable("203.0.113.9:20000")), "others can dial it at 203.0.113.9:20000");
  EXPECT_EQ(reach_words(reachable("[2001:db8::1]:20000")), "others can dial it at [2001:db8::1]:20000");
  EXPECT_NE(reach_words(reachable("192.168.1.5:20000")).find("in that private network only"), std::string::npos);
  StatusReport told = reachable("203.0.113.9:7000");
  told.external = told.dialled_at;
  EXPECT_NE(reach_words(told).find("as --external says"), std::string::npos);
  told.published = false;
  EXPECT_NE(reach_words(told).find("the directory does not say yet where it is"), std::string::npos);
}

TEST(ReachWords, ALoopbackListenerIsToldWhatWouldHelp) {
  StatusReport report = reachable("127.0.0.1:20000");
  report.listen = report.dialled_at;
  EXPECT_EQ(reach_words(report),
            "only servers on this machine can dial it, at 127.0.0.1:20000: it listens on loopback only "
            "(127.0.0.1:20000; -l 0.0.0.0:20000 would let others in)");
  report.dialled_at = {};
  report.relays = {"198.51.100.1:20000"};
  EXPECT_EQ(reach_words(report),
            "nobody on another machine can dial this server: it listens on loopback only (127.0.0.1:20000; -l "
            "0.0.0.0:20000 would let others in); it is reached through its relay 198.51.100.1:20000");
}

TEST(ReachWords, SayWhyItIsAlone) {
  StatusReport report = behind("unknown");
  report.active = 0;
  report.asked = report.published = false;
  report.relays.clear();
  EXPECT_EQ(reach_words(report),
            "whether others can dial it is not known: neighbours find that out; it has no neighbour: it was started "
            "without -b, and nobody has joined through it yet");
  report.ways_in = {{"198.51.100.1:1", "connection refused"}};
  EXPECT_NE(reach_words(report).find("; it has no neighbour: the server after -b cannot be reached (198.51.100.1:1: "
                                     "connection refused)"),
            std::string::npos);
  report.ways_in.push_back({"198.51.100.2:1", "no answer"});
  EXPECT_NE(reach_words(report).find("the servers after -b cannot be reached (198.51.100.1:1: connection refused, "
                                     "198.51.100.2:1: no answer)"),
            std::string::npos);
  report.ways_in.push_back({"198.51.100.3:1", ""});
  EXPECT_NE(reach_words(report).find("; it has no neighbour yet: it is joining through 198.51.100.3:1"),
            std::string::npos);
  report.clients = 1;  // a client is a neighbour, too
  EXPECT_NE(reach_words(report).find("whether others can dial it is being found out: its neighbours try; no neighbour "
                                     "relays for it yet; the directory does not say yet"),
            std::string::npos);
}

TEST(ReachWords, TheMeshFindsNothingOut) {
  StatusReport report = behind("unknown");
  report.mesh = true;
  EXPECT_EQ(reach_words(report), "whether others can dial it is not known: on the mesh nobody finds that out");
}

TEST(StatusWords, AreALineForEachThing) {
  StatusReport report = reachable("203.0.113.9:20000");
  report.uptime_s = 93'600 + 59;
  report.passive = 34;
  report.clients = 1;
  report.trees = 32;
  report.direct = 9;
  report.punched = 2;
  report.tunnelled = 1;
  report.identity = "bound";
  report.epoch = 3;
  report.expires = 1'800'000'000;
  report.events = 1;
  report.outbox = 2;
  report.follows = 5;
  report.registered = 4;
  report.streams = 3;
  report.gaps = 1;
  report.forks = 1;
  report.followers = 4;
  report.behind = 2;
  report.posted = 17;
  report.longest_behind = {{report.user.hex(), 1'700'000'000}};
  report.returned_at = 1'700'000'000;
  report.returned_events = 1;
  report.returned_bytes = 1500;
  report.returned_from = 2;
  report.guardians = {report.user.hex()};
  report.wards = 2;
  report.letters = 1;
  report.letter_bytes = 1500;
  report.cells = 12;
  report.largest_cell = 47;
  report.cells_led = 3;
  report.wire_in = 1'234'567;
  report.wire_out = 999;
  report.bytes_in = {{"control", 1000}, {"relay", 0}};
  report.rejects = {{"packet/malformed", 3}, {"link/forbidden", 1}};
  EXPECT_EQ(
      status_words(report),
      "node id:      0202020202020202020202020202020202020202020202020202020202020202\n"
      "user:         npub1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs8j9gdm\n"
      "identity:     bound to this node until 2027-01-15 (epoch 3)\n"
      "up for:       1 day 2 hours\n"
      "overlay:      hyparview\n"
      "listens at:   0.0.0.0:20000\n"
      "NAT:          public\n"
      "reach:        others can dial it at 203.0.113.9:20000\n"
      "views:        8 active, 34 passive, 1 client\n"
      "links:        9 direct, 2 punched, 1 in tunnels through others\n"
      "trees:        a route in 32 trees\n"
      "store:        1 event, 2 waiting for somebody\n"
      "follows:      5 users, registered with 4; 3 streams, 1 with something missing; 1 caught with two stories\n"
      "followers:    4, 2 not yet with everything; 17 events in their stream\n"
      "behind:       npub1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs8j9gdm since 2023-11-14 22:13 UTC, and 1 "
      "more\n"
      "cells:        followers in 12, the largest of 47; head or backup of 3\n"
      "guardians:    guarded by npub1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs8j9gdm; guards 2 users, "
      "1 letter kept (1.5 kB)\n"
      "last return:  on 2023-11-14 22:13 UTC; 2 guardians brought 1 event (1.5 kB)\n"
      "received:     1.2 MB on the wire: control 1.0 kB, relay 0 B\n"
      "sent:         999 B on the wire\n"
      "refused:      3 packet/malformed, 1 link/forbidden\n");
}

TEST(StatusWords, SayWhomTheKeyIsBoundTo) {
  const auto says = [](const char* state, const char* words) {
    StatusReport report = behind("symmetric");
    report.identity = state;
    report.expires = 86'400;
    report.disk_trouble = "no space";
    const std::string all = status_words(report);
    EXPECT_NE(all.find(words), std::string::npos) << all;
    EXPECT_NE(all.find("; the disk fails: no space"), std::string::npos) << all;
    EXPECT_NE(all.find("home relays:  198.51.100.1:20000, 198.51.100.2:20000\n"), std::string::npos) << all;
    EXPECT_EQ(all.find("trees:"), std::string::npos) << all;
  };
  says("claimed", "claimed only");
  says("expired", "ended on 1970-01-02");
  says("elsewhere", "bound to another node");
  says("revoked", "nobody serves this user");
}

TEST(StatusReportTest, IsNotReadFromStrangersWords) {
  const std::string key(64, 'a');
  const std::string good =
      R"({"owner":")" + key + R"(","node_id":")" + key + R"(","overlay":{"kind":"hyparview"},"nat":"a\u001bb"})";
  ASSERT_TRUE(parse_status(good).ok());
  EXPECT_EQ(parse_status(good)->nat, "a?b");  // nothing that steers a terminal
  for (const std::string& bad :
       {std::string(), std::string("hi"), std::string("[]"), std::string("7"), std::string("{}"),
        R"({"owner":"x","node_id":")" + key + R"(","overlay":{"kind":"mesh"}})",
        R"({"owner":")" + key + R"(","node_id":")" + key + R"(","overlay":7})", good.substr(0, good.size() - 1)}) {
    EXPECT_FALSE(parse_status(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace np2p::real
