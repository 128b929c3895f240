// The network port on real sockets: who gets in, who does not, and what happens to those who misbehave.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/realnet/raw_peer.h"
#include "tests/realnet/recorder.h"

namespace np2p::real {
namespace {

using test::RawPeer;
using test::Recorder;

class LinksTest : public test::LinkWorld {
 protected:
  // The peer blocks, so it gets a thread, and the world runs here meanwhile.
  template <class Act>
  void with_peer(const Recorder& node, Act act) {
    std::atomic<bool> over = false;
    std::thread thread([&] {
      RawPeer peer(node.address.port);
      act(peer);
      over = true;
    });
    while (!over) io_.run_one_for(std::chrono::milliseconds(20));
    thread.join();
    io_.poll();
  }
  // The same with a peer that has proved itself and heard the node's Hello.
  template <class Act>
  void with_proven_peer(const Recorder& node, Act act) {
    KernelEntropy entropy;
    const auto key = SecpNodeKey::generate(entropy);
    with_peer(node, [&](RawPeer& peer) {
      ASSERT_TRUE(peer.start_tls());
      peer.send_hello(*key, "test");
      ASSERT_TRUE(peer.hears(LinkMessage::hello));
      act(peer);
    });
  }
};

TEST_F(LinksTest, BothSidesLearnWhoTheOtherIs) {
  Recorder alice(io_);
  Recorder bob(io_);
  const LinkId link = alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.up.empty() && !bob.up.empty(); }));
  EXPECT_EQ(alice.up[0].link, link);
  EXPECT_EQ(alice.up[0].peer, bob.key->id());
  EXPECT_EQ(bob.up[0].peer, alice.key->id());
  EXPECT_TRUE(alice.up[0].outbound);
  EXPECT_FALSE(bob.up[0].outbound);
  EXPECT_TRUE(alice.up[0].proven && bob.up[0].proven);
}

TEST_F(LinksTest, FramesArriveWholeInOrderWithTheirClass) {
  Recorder alice(io_);
  Recorder bob(io_);
  const LinkId link = alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.up.empty(); }));
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < 30; ++i) {
    sent.push_back(std::string(i * 8000, static_cast<char>('a' + i % 26)));
    alice.links.send(link, Frame(bytes_of(sent.back())), Priority::post, Traffic::payload);
  }
  alice.links.pump();
  ASSERT_TRUE(run_until([&] { return bob.frames.size() == sent.size(); }));
  EXPECT_EQ(bob.frames, sent);
  EXPECT_EQ(bob.traffics.back(), Traffic::payload);
  EXPECT_EQ(alice.links.queued_bytes(link), 0u);
  EXPECT_EQ(alice.writable.size(), 1u);  // it was congested, once
}

TEST_F(LinksTest, WhatWasQueuedIsSentBeforeTheEnd) {
  Recorder alice(io_);
  Recorder bob(io_);
  const LinkId link = alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.up.empty(); }));
  alice.links.send(link, Frame(bytes_of(std::string(300'000, 'x'))), Priority::bulk, Traffic::payload);
  alice.links.close(link, CloseReason::crowded);
  ASSERT_TRUE(run_until([&] { return !bob.down.empty(); }));
  ASSERT_EQ(bob.frames.size(), 1u);
  EXPECT_EQ(bob.down[0].second, CloseReason::crowded);
  EXPECT_TRUE(alice.down.empty());  // who closes knows
}

TEST_F(LinksTest, NobodyThereIsRefused) {
  Recorder alice(io_);
  Address nobody;
  {
    auto acceptor = listen_on(io_, Address::v4(0x7F000001, 0));
    nobody = to_address(acceptor->local_endpoint());
  }
  const LinkId link = alice.links.dial(nobody);
  EXPECT_TRUE(alice.down.empty());  // never inside the call
  ASSERT_TRUE(run_until([&] { return !alice.down.empty(); }));
  EXPECT_EQ(alice.down[0].first, link);
  EXPECT_EQ(alice.down[0].second, CloseReason::refused);
}

TEST_F(LinksTest, AnotherNetworkIsRefusedOnBothSides) {
  Recorder alice(io_, "one");
  Recorder bob(io_, "two");
  alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.down.empty() && !bob.rejected.empty(); }));
  EXPECT_EQ(alice.down[0].second, CloseReason::protocol_error);
  EXPECT_EQ(bob.rejected.count(ErrorCode::forbidden), 1u);
  EXPECT_TRUE(alice.up.empty());
  EXPECT_TRUE(bob.up.empty());
  EXPECT_TRUE(bob.down.empty());  // to its node this was never a link
}

TEST_F(LinksTest, DiallingOurselvesIsNoLink) {
  Recorder alice(io_);
  alice.links.dial(alice.address);
  ASSERT_TRUE(run_until([&] { return !alice.down.empty(); }));
  EXPECT_TRUE(alice.up.empty());
  EXPECT_GE(alice.rejected[ErrorCode::forbidden], 1);
}

TEST_F(LinksTest, ASilentListenerTimesOut) {
  Recorder alice(io_);
  tcp::acceptor silent(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  alice.links.dial(to_address(silent.local_endpoint()));
  ASSERT_TRUE(run_until([&] { return !alice.down.empty(); }));
  EXPECT_EQ(alice.down[0].second, CloseReason::timed_out);
}

TEST_F(LinksTest, AHalfOpenDiallerIsClosedAfterTheDeadline) {
  Recorder node(io_);
  with_peer(node, [](RawPeer& peer) { EXPECT_TRUE(peer.closed()); });
  with_peer(node, [](RawPeer& peer) {  // TLS, but no hello
    EXPECT_TRUE(peer.start_tls());
    EXPECT_TRUE(peer.closed());
  });
  EXPECT_TRUE(node.up.empty());
  EXPECT_TRUE(run_until([&] { return node.links.open_count() == 0; }));
}

TEST_F(LinksTest, GarbageInsteadOfTls) {
  Recorder node(io_);
  with_peer(node, [](RawPeer& peer) {
    peer.send_raw(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_TRUE(peer.closed());
  });
  EXPECT_EQ(node.rejected[ErrorCode::malformed], 1);
}

TEST_F(LinksTest, AHelloThatProvesNothing) {
  Recorder node(io_);
  KernelEntropy entropy;
  const auto key = SecpNodeKey::generate(entropy);
  with_peer(node, [&](RawPeer& peer) {  // as if recorded on another connection
    ASSERT_TRUE(peer.start_tls());
    peer.send_hello_bytes(encode_hello(*key, Role::dialler, "test", TlsSession::Exported{}));
    EXPECT_TRUE(peer.closed());
  });
  with_peer(node, [&](RawPeer& peer) {  // reflected: right session, wrong role
    ASSERT_TRUE(peer.start_tls());
    peer.send_hello(*key, "test", Role::listener);
    EXPECT_TRUE(peer.closed());
  });
  EXPECT_EQ(node.rejected[ErrorCode::bad_signature], 2);
  with_peer(node, [&](RawPeer& peer) {
    ASSERT_TRUE(peer.start_tls());
    ByteVec hello = encode_hello(*key, Role::dialler, "test", peer.tls().exported());
    hello[1] = 9;
    peer.send_hello_bytes(hello);
    EXPECT_TRUE(peer.closed());
  });
  EXPECT_EQ(node.rejected[ErrorCode::wrong_version], 1);
  for (std::size_t size : {0u, 1u, 11u, 60u}) {
    with_peer(node, [&](RawPeer& peer) {
      ASSERT_TRUE(peer.start_tls());
      peer.send_hello_bytes(ByteVec(size));
      EXPECT_TRUE(peer.closed());
    });
  }
  EXPECT_TRUE(node.up.empty());
}

TEST_F(LinksTest, UnknownFeaturesAndTrailingBytesAreIgnored) {
  Recorder node(io_);
  KernelEntropy entropy;
  const auto key = SecpNodeKey::generate(entropy);
  with_peer(node, [&](RawPeer& peer) {
    ASSERT_TRUE(peer.start_tls());
    ByteVec hello = encode_hello(*key, Role::dialler, "test", peer.tls().exported());
    hello[2] = 0xFF;
    hello.insert(hello.end(), 100, 7);
    peer.send_hello_bytes(hello);
    EXPECT_TRUE(peer.hears(LinkMessage::hello));
    peer.send_frame(bytes_of("hi"));
  });
  EXPECT_TRUE(run_until([&] { return node.frames.size() == 1; }));
  EXPECT_EQ(node.up.size(), 1u);
}

TEST_F(LinksTest, OversizePrefixEndsTheLink) {
  Recorder node(io_);
  with_proven_peer(node, [](RawPeer& peer) {
    peer.send(ByteVec{0x0F, 0xFF, 0xFF, 0xFF});
    EXPECT_TRUE(peer.closed());
  });
  ASSERT_TRUE(run_until([&] { return !node.down.empty(); }));
  EXPECT_EQ(node.down[0].second, CloseReason::protocol_error);
  EXPECT_EQ(node.rejected[ErrorCode::too_large], 1);
}

TEST_F(LinksTest, FramesBeforeTheHelloAreRefused) {
  Recorder node(io_);
  with_peer(node, [&](RawPeer& peer) {
    ASSERT_TRUE(peer.start_tls());
    peer.send_frame(bytes_of("early"));
    EXPECT_TRUE(peer.closed());
  });
  EXPECT_TRUE(node.frames.empty());
  EXPECT_EQ(node.rejected[ErrorCode::malformed], 1);
}

TEST_F(LinksTest, AResetIsNoticedAtOnce) {
  Recorder node(io_);
  with_proven_peer(node, [](RawPeer& peer) { peer.close(); });
  ASSERT_TRUE(run_until([&] { return !node.down.empty(); }));
  EXPECT_TRUE(node.down[0].second == CloseReason::reset || node.down[0].second == CloseReason::peer_closed);
}

TEST_F(LinksTest, HeartbeatsKeepALinkAndSilenceEndsIt) {
  LinkProfile quick = kMeshLinks;
  quick.ping_after_nat = 50ms;
  quick.read_timeout = 400ms;
  Recorder alice(io_, "test", {}, quick);
  Recorder bob(io_, "test", {}, quick);
  alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.up.empty() && !bob.up.empty(); }));
  const MonoTime later = mono_now() + 1s;
  ASSERT_TRUE(run_until([&] { return mono_now() > later; }));
  EXPECT_TRUE(alice.down.empty() && bob.down.empty());

  KernelEntropy entropy;
  const auto key = SecpNodeKey::generate(entropy);
  with_peer(alice, [&](RawPeer& peer) {  // proves itself, then says nothing more
    ASSERT_TRUE(peer.start_tls());
    peer.send_hello(*key, "test");
    EXPECT_TRUE(peer.hears(LinkMessage::ping));
    EXPECT_TRUE(peer.closed());
  });
  ASSERT_TRUE(run_until([&] { return !alice.down.empty(); }));
  EXPECT_EQ(alice.down[0].second, CloseReason::timed_out);
}

TEST_F(LinksTest, ASlowReaderIsClosed) {
  Limits small;
  small.queued_bytes = 1024 * 1024;
  Recorder node(io_, "test", small);
  KernelEntropy entropy;
  const auto key = SecpNodeKey::generate(entropy);
  // The peer may hear the node's Hello before the node has read the peer's: then the link is not up yet.
  std::function<void()> flood = [&] {
    if (node.up.empty()) return asio::post(io_, flood);
    const Frame frame(bytes_of(std::string(100'000, 'x')));
    for (int i = 0; i < 1000; ++i) node.links.send(node.up.at(0).link, frame, Priority::bulk, Traffic::payload);
    node.links.pump();
  };
  with_peer(node, [&](RawPeer& peer) {
    ASSERT_TRUE(peer.start_tls());
    peer.send_hello(*key, "test");
    ASSERT_TRUE(peer.hears(LinkMessage::hello));
    asio::post(io_, flood);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  });
  ASSERT_TRUE(run_until([&] { return !node.down.empty(); }));
  EXPECT_EQ(node.links.counters().slow_readers, 1u);
}

TEST_F(LinksTest, LinksBeyondTheLimitAreRefused) {
  Limits few;
  few.links = 2;
  Recorder node(io_, "test", few);
  Recorder other(io_);
  for (int i = 0; i < 4; ++i) other.links.dial(node.address);
  ASSERT_TRUE(run_until([&] { return other.down.size() == 2 && other.up.size() == 2; }));
  EXPECT_EQ(node.links.counters().refused, 2u);
}

TEST_F(LinksTest, StopSaysGoodbye) {
  Recorder alice(io_);
  Recorder bob(io_);
  alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.up.empty() && !bob.up.empty(); }));
  bool stopped = false;
  alice.links.stop([&] { stopped = true; });
  ASSERT_TRUE(run_until([&] { return stopped && !bob.down.empty(); }));
  EXPECT_EQ(bob.down[0].second, CloseReason::shutting_down);
  EXPECT_TRUE(alice.down.empty());
}

}  // namespace
}  // namespace np2p::real
