// A real process on a real disk, killed in the middle of writing: what it has acknowledged is there afterwards.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "core/base/rng.h"
#include "tests/core/store/store_fixture.h"

namespace np2p::test {
namespace {

Limits roomy() {
  Limits limits;
  limits.stranger_share_percent = 100;
  return limits;
}

EventPtr numbered(std::uint64_t number) {
  // Now and then a large one, so that checkpoints happen too.
  return made_event(user(static_cast<unsigned>(number % 5)), 1, static_cast<std::int64_t>(number),
                    std::string(number % 7 == 0 ? 30'000 : 300, 'x'));
}

// Publishes for ever, and says each number into the pipe once it is durable. One thread writes while another syncs, as
// in a server.
[[noreturn]] void publish(const std::string& path, std::uint64_t number, int pipe) {
  auto opened = SqliteStore::open(path, roomy());
  if (!opened.ok()) _exit(1);
  SqliteStore& store = **opened;
  for (;;) {
    const std::uint64_t first = number;
    for (int i = 0; i < 3; ++i) store.put(numbered(number++));
    store.flush();
    const auto ticket = store.commit();
    if (!ticket.ok()) _exit(2);
    bool synced = false;
    std::thread syncer([&] { synced = store.sync().ok(); });
    store.put(numbered(number++));
    static_cast<void>(store.commit());
    syncer.join();
    if (!synced) _exit(3);
    store.mark_durable(*ticket);
    for (std::uint64_t n = first; n < first + 3; ++n) {
      if (write(pipe, &n, sizeof n) != sizeof n) _exit(4);
    }
  }
}

// A process that does so until it is killed.
struct Publisher {
  pid_t process = -1;
  int numbers = -1;  // the pipe out of it

  Publisher(const std::string& path, std::uint64_t number) {
    int ends[2];
    if (pipe(ends) != 0) return;
    numbers = ends[0];
    process = fork();
    if (process == 0) {
      close(ends[0]);
      publish(path, number, ends[1]);
    }
    close(ends[1]);
  }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher() { close(numbers); }
  [[nodiscard]] bool says(std::uint64_t& number) const {
    return read(numbers, &number, sizeof number) == static_cast<ssize_t>(sizeof number);
  }
};

TEST(SqliteKill, NothingAcknowledgedIsLost) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("store.db");
  Rng rng(1, "kill");
  std::vector<std::uint64_t> acknowledged;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const Publisher child(path, static_cast<std::uint64_t>(round) * 1'000'000);
    ASSERT_GT(child.process, 0);
    // Not by the clock: after so many acknowledgements, at whatever it is doing then.
    for (std::uint64_t left = 1 + rng.below(60); left > 0; --left) {
      std::uint64_t number = 0;
      ASSERT_TRUE(child.says(number));
      acknowledged.push_back(number);
    }
    usleep(static_cast<useconds_t>(rng.below(3000)));
    kill(child.process, SIGKILL);
    std::uint64_t number = 0;
    while (child.says(number)) acknowledged.push_back(number);
    ASSERT_EQ(waitpid(child.process, nullptr, 0), child.process);

    auto store = SqliteStore::open(path, roomy());
    ASSERT_TRUE(store.ok()) << store.error().reason;
    for (const std::uint64_t n : acknowledged) ASSERT_TRUE((*store)->get(numbered(n)->id)) << n;
    EXPECT_EQ((*store)->stats().rotten, 0u);
  }
}

// The lock goes with the process that held it, and holds against another process.
TEST(SqliteKill, AnotherProcessIsToldSo) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("store.db");
  const Publisher child(path, 0);
  ASSERT_GT(child.process, 0);
  std::uint64_t number = 0;
  ASSERT_TRUE(child.says(number));
  auto second = SqliteStore::open(path, roomy());
  EXPECT_FALSE(second.ok());
  if (!second.ok()) {
    EXPECT_EQ(second.error().code, ErrorCode::unavailable);
    EXPECT_NE(second.error().reason.find("another server uses this data directory"), std::string::npos);
  }
  kill(child.process, SIGKILL);
  ASSERT_EQ(waitpid(child.process, nullptr, 0), child.process);
  EXPECT_TRUE(SqliteStore::open(path, roomy()).ok());
}

}  // namespace
}  // namespace np2p::test
