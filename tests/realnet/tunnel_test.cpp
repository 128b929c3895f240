// Tunnels: links whose records the test carries from one end to the other, faithfully or not.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/realnet/recorder.h"

namespace np2p::real {
namespace {

using test::Recorder;

// What the way between two ends does with a record; the default hands it over.
using Way = std::function<void(const Frame& record, const std::function<void(const Frame&)>& hand_over)>;

class TunnelTest : public test::LinkWorld {
 protected:
  void join(const Way& to_bob = nullptr) {
    at_alice_ = alice_.links.tunnel(bob_.key->id(), true);
    at_bob_ = bob_.links.tunnel(alice_.key->id(), false);
    carry(alice_, bob_, at_bob_, to_bob);
    carry(bob_, alice_, at_alice_, nullptr);
  }
  bool both_up() {
    return run_until([&] { return !alice_.up.empty() && !bob_.up.empty(); });
  }
  void send(std::size_t bytes) {
    alice_.links.send(at_alice_, Frame(bytes_of(std::string(bytes, 'x'))), Priority::bulk, Traffic::payload);
    alice_.links.pump();
  }
  void carry(Recorder& from, Recorder& to, LinkId at_end, const Way& way) {
    from.when_carry = [&to, at_end, way, this](LinkId, const Frame& record) {
      largest_ = std::max(largest_, record.size());
      carried_ += record.size();
      const auto hand_over = [&](const Frame& what) { to.links.carried(at_end, what); };
      if (way) {
        way(record, hand_over);
      } else {
        hand_over(record);
      }
    };
  }
  Recorder alice_{io_};
  Recorder bob_{io_};
  LinkId at_alice_, at_bob_;
  std::size_t largest_ = 0;
  std::size_t carried_ = 0;
};

TEST_F(TunnelTest, IsALinkLikeAnyOther) {
  join();
  ASSERT_TRUE(both_up());
  EXPECT_EQ(alice_.up[0].link, at_alice_);
  EXPECT_EQ(bob_.up[0].link, at_bob_);
  EXPECT_EQ(alice_.up[0].peer, bob_.key->id());
  EXPECT_EQ(bob_.up[0].peer, alice_.key->id());
  for (const LinkInfo& info : {alice_.up[0], bob_.up[0]}) {
    EXPECT_TRUE(info.proven);
    EXPECT_EQ(info.path, Path::tunnel);
    EXPECT_TRUE(info.remote.is_unspecified());
  }
  EXPECT_TRUE(alice_.up[0].outbound);
  EXPECT_FALSE(bob_.up[0].outbound);
  alice_.links.send(at_alice_, Frame(bytes_of("there")), Priority::post, Traffic::payload);
  bob_.links.send(at_bob_, Frame(bytes_of("back")), Priority::post, Traffic::relay);
  alice_.links.pump();
  bob_.links.pump();
  ASSERT_TRUE(run_until([&] { return !alice_.frames.empty() && !bob_.frames.empty(); }));
  EXPECT_EQ(bob_.frames[0], "there");
  EXPECT_EQ(alice_.frames[0], "back");
  EXPECT_EQ(alice_.traffics[0], Traffic::relay);
}

TEST_F(TunnelTest, CarriesMuchBothWaysInSmallRecords) {
  join();
  ASSERT_TRUE(both_up());
  // More than the window each way, at the same time: credit must get through although nobody may send frames.
  for (int i = 0; i < 10; ++i) {
    send(300'000);
    bob_.links.send(at_bob_, Frame(bytes_of(std::string(300'000, 'y'))), Priority::bulk, Traffic::payload);
    bob_.links.pump();
  }
  ASSERT_TRUE(run_until([&] { return bob_.frames.size() == 10 && alice_.frames.size() == 10; }));
  EXPECT_EQ(bob_.frames[9], std::string(300'000, 'x'));
  EXPECT_EQ(alice_.frames[9], std::string(300'000, 'y'));
  EXPECT_LE(largest_, kTunnelRecordBytes);
  EXPECT_EQ(alice_.links.queued_bytes(at_alice_), 0u);
  EXPECT_FALSE(alice_.writable.empty());
}

TEST_F(TunnelTest, WhileItIsHeldFramesWaitInTheQueue) {
  join();
  ASSERT_TRUE(both_up());
  const std::size_t before = carried_;
  const auto frames_before = alice_.links.counters().frames_out;
  alice_.links.hold(at_alice_, true);
  for (int i = 0; i < 3; ++i) send(300'000);
  alice_.links.send(at_alice_, Frame(bytes_of("urgent")), Priority::control, Traffic::control);
  alice_.links.pump();
  EXPECT_FALSE(run_until([&] { return !bob_.frames.empty(); }, 200ms));
  EXPECT_EQ(carried_, before);
  EXPECT_EQ(alice_.links.queued_bytes(at_alice_), 900'006u);
  EXPECT_TRUE(alice_.writable.empty());
  alice_.record_traffics.clear();
  alice_.links.hold(at_alice_, false);
  alice_.links.pump();
  ASSERT_TRUE(run_until([&] { return bob_.frames.size() == 4 && !alice_.writable.empty(); }));
  EXPECT_EQ(bob_.frames[0], "urgent");
  EXPECT_EQ(std::count(alice_.record_traffics.begin(), alice_.record_traffics.end(), Traffic::control), 0);
  EXPECT_EQ(alice_.links.counters().frames_out, frames_before) << "they are counted as what carries them";
}

TEST_F(TunnelTest, WhoDoesNotReadGetsNoMoreThanTheWindow) {
  Limits small;
  small.queued_bytes = 1024 * 1024;
  Recorder carol(io_, "test", small);
  const LinkId at_carol = carol.links.tunnel(bob_.key->id(), true);
  at_bob_ = bob_.links.tunnel(carol.key->id(), false);
  bool open = true;
  carry(bob_, carol, at_carol, nullptr);
  carry(carol, bob_, at_bob_, [&](const Frame& record, const auto& hand_over) {
    if (open) hand_over(record);
  });
  ASSERT_TRUE(run_until([&] { return !carol.up.empty() && !bob_.up.empty(); }));
  open = false;
  const std::size_t before = carried_;
  const auto push = [&] {
    for (int i = 0; i < 3; ++i) {
      carol.links.send(at_carol, Frame(bytes_of(std::string(300'000, 'x'))), Priority::bulk, Traffic::payload);
    }
    carol.links.pump();
  };
  push();
  EXPECT_FALSE(run_until([&] { return !carol.down.empty(); }, 300ms));
  EXPECT_LE(carried_ - before, kTunnelWindow + 64 * 1024);
  EXPECT_GT(carol.links.queued_bytes(at_carol), 500'000u);
  push();
  ASSERT_TRUE(run_until([&] { return !carol.down.empty(); }));
  EXPECT_EQ(carol.fate(at_carol), CloseReason::timed_out);
  EXPECT_EQ(carol.links.counters().slow_readers, 1u);
}

TEST_F(TunnelTest, WhoSendsMoreThanTheWindowIsClosed) {
  join();
  ASSERT_TRUE(both_up());
  // All within one turn, before the other end can read any of it.
  const Frame rubbish{ByteVec(kTunnelRecordBytes)};
  for (std::size_t sent = 0; sent < 2 * kTunnelWindow; sent += rubbish.size()) bob_.links.carried(at_bob_, rubbish);
  ASSERT_TRUE(run_until([&] { return !bob_.down.empty(); }));
  EXPECT_EQ(bob_.fate(at_bob_), CloseReason::protocol_error);
}

// A node that shows up in place of the one that was asked for.
TEST_F(TunnelTest, AnotherNodeThanAskedForIsRefused) {
  Recorder mallory(io_);
  at_alice_ = alice_.links.tunnel(bob_.key->id(), true);
  at_bob_ = mallory.links.tunnel(alice_.key->id(), false);
  carry(alice_, mallory, at_bob_, nullptr);
  carry(mallory, alice_, at_alice_, nullptr);
  ASSERT_TRUE(run_until([&] { return !alice_.down.empty(); }));
  EXPECT_EQ(alice_.fate(at_alice_), CloseReason::protocol_error);
  EXPECT_EQ(alice_.rejected[ErrorCode::forbidden], 1);
  EXPECT_TRUE(alice_.up.empty());
}

TEST_F(TunnelTest, NobodyAtTheOtherEndTimesOut) {
  for (const bool outbound : {true, false}) {
    const LinkId link = alice_.links.tunnel(bob_.key->id(), outbound);
    ASSERT_TRUE(run_until([&] { return alice_.fate(link) != CloseReason::none; }));
    EXPECT_EQ(alice_.fate(link), CloseReason::timed_out);
  }
}

TEST_F(TunnelTest, ClosingSaysNothingMore) {
  join();
  ASSERT_TRUE(both_up());
  send(100'000);
  alice_.links.close(at_alice_, CloseReason::crowded);
  const std::size_t records = alice_.records;
  EXPECT_FALSE(run_until([&] { return !alice_.down.empty() || !bob_.down.empty(); }, 200ms));
  EXPECT_EQ(alice_.records, records);
  bob_.links.close(at_bob_, CloseReason::peer_closed);
  alice_.links.carried(at_alice_, Frame(bytes_of("late")));
  EXPECT_TRUE(run_until([&] { return alice_.links.open_count() == 0 && bob_.links.open_count() == 0; }));
}

TEST_F(TunnelTest, TheNodeMayCloseATunnelWhileItTakesARecord) {
  join();
  ASSERT_TRUE(both_up());
  alice_.when_carry = [&](LinkId link, const Frame&) { alice_.links.close(link, CloseReason::crowded); };
  send(200'000);
  EXPECT_TRUE(run_until([&] { return alice_.links.open_count() == 0; }));
  EXPECT_TRUE(alice_.down.empty());
}

TEST_F(TunnelTest, StopEndsTunnelsToo) {
  join();
  ASSERT_TRUE(both_up());
  bool stopped = false;
  alice_.links.stop([&] { stopped = true; });
  EXPECT_TRUE(run_until([&] { return stopped; }));
}

// The way spoils what it carries, from the start or once the link is up.
class SpoiltTunnelTest : public TunnelTest {
 protected:
  void expect_end(const Way& way, bool after_up) {
    bool spoil = !after_up;
    join([&spoil, way](const Frame& record, const auto& hand_over) {
      if (spoil) {
        way(record, hand_over);
      } else {
        hand_over(record);
      }
    });
    if (after_up) {
      ASSERT_TRUE(both_up());
      spoil = true;
      for (int i = 0; i < 5; ++i) send(40'000);
    }
    ASSERT_TRUE(run_until([&] { return !bob_.down.empty(); }));
    EXPECT_EQ(bob_.fate(at_bob_), CloseReason::protocol_error);
    EXPECT_TRUE(after_up || bob_.up.empty());
    for (const auto& frame : bob_.frames) EXPECT_EQ(frame, std::string(40'000, 'x'));
  }
  static void corrupt(const Frame& record, const std::function<void(const Frame&)>& hand_over) {
    ByteVec bytes(record.view().begin(), record.view().end());
    bytes[bytes.size() / 2] ^= 0x40;
    hand_over(Frame(bytes));
  }
  static void shorten(const Frame& record, const std::function<void(const Frame&)>& hand_over) {
    hand_over(Frame(record.view().first(record.size() - 3)));
  }
  static void repeat(const Frame& record, const std::function<void(const Frame&)>& hand_over) {
    hand_over(record);
    hand_over(record);
  }
};

// Whatever byte of the first flight is wrong (but for the record's header, which proves nothing): one of the two
// notices, or both wait until the deadline. No link comes of it.
TEST_F(SpoiltTunnelTest, CorruptedInTheHandshake) {
  for (std::size_t wrong = 5; wrong < 260; wrong += 50) {
    join([wrong](const Frame& record, const auto& hand_over) {
      ByteVec bytes(record.view().begin(), record.view().end());
      bytes[wrong % bytes.size()] ^= 0x40;
      hand_over(Frame(bytes));
    });
    ASSERT_TRUE(run_until([&] { return !alice_.down.empty() && !bob_.down.empty(); })) << wrong;
    for (const CloseReason fate : {alice_.fate(at_alice_), bob_.fate(at_bob_)}) {
      EXPECT_TRUE(fate == CloseReason::protocol_error || fate == CloseReason::timed_out) << wrong;
    }
    alice_.down.clear();
    bob_.down.clear();
  }
  EXPECT_TRUE(alice_.up.empty());
  EXPECT_TRUE(bob_.up.empty());
}
TEST_F(SpoiltTunnelTest, Corrupted) {
  expect_end(corrupt, true);
}
TEST_F(SpoiltTunnelTest, Truncated) {
  expect_end(shorten, true);
}
TEST_F(SpoiltTunnelTest, Repeated) {
  expect_end(repeat, true);
}
TEST_F(SpoiltTunnelTest, Reordered) {
  Frame held;
  expect_end(
      [&held](const Frame& record, const auto& hand_over) {
        if (held.empty()) {
          held = record;
          return;
        }
        hand_over(record);
        hand_over(held);
        held = Frame();
      },
      true);
}
TEST_F(SpoiltTunnelTest, OneLost) {
  int count = 0;
  expect_end(
      [&count](const Frame& record, const auto& hand_over) {
        if (++count != 2) hand_over(record);
      },
      true);
}
TEST_F(SpoiltTunnelTest, Invented) {
  expect_end(
      [](const Frame&, const auto& hand_over) { hand_over(Frame(bytes_of("GET / HTTP/1.1\r\nHost: there\r\n\r\n"))); },
      false);
}

}  // namespace
}  // namespace np2p::real
