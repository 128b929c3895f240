// A service manager is told when the server serves and when it ends, in sd_notify(3)'s words.
#include "realnet/supervisor.h"

#include "realnet/watchdog.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/realnet/process.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

// The socket on which a supervisor listens.
class Supervisor {
 public:
  explicit Supervisor(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), length) == 0;
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Supervisor() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
  }
  [[nodiscard]] bool bound() const { return bound_; }
  // The next datagram; empty if none comes within half a minute.
  [[nodiscard]] std::string heard() const {
    pollfd one{socket_, POLLIN, 0};
    if (::poll(&one, 1, 30'000) != 1) return {};
    char text[512];
    const auto size = ::recv(socket_, text, sizeof(text), 0);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
  }

 private:
  int socket_;
  bool bound_ = false;
};

TEST(Supervisor, IsToldByPathAndByAbstractName) {
  test::TempDir dir;
  for (const std::string& name : {dir.path() + "/notify", "@nostrp2p-" + std::to_string(::getpid())}) {
    const Supervisor supervisor(name);
    ASSERT_TRUE(supervisor.bound());
    tell_supervisor("READY=1");
    EXPECT_EQ(supervisor.heard(), "READY=1");
  }
}

TEST(Supervisor, ThatIsNotThereIsNoTrouble) {
  test::TempDir dir;
  for (const std::string& name : {dir.path() + "/nobody", std::string("relative"), std::string("@"), std::string(),
                                  "/" + std::string(sizeof(sockaddr_un::sun_path), 'x')}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    tell_supervisor("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
  tell_supervisor("READY=1");
}

TEST(Supervisor, HearsThatTheThreadGoesRoundAsOftenAsItWants) {
  test::TempDir dir;
  const Supervisor supervisor(dir.path() + "/notify");
  ASSERT_TRUE(supervisor.bound());
  asio::io_context io;
  const auto say_something_else = [&] {
    Watchdog watchdog(io);
    watchdog.start();
    tell_supervisor("STATUS=else");
  };
  say_something_else();
  EXPECT_EQ(supervisor.heard(), "STATUS=else") << "nobody wants to hear it";
  ::setenv("WATCHDOG_USEC", "20000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  say_something_else();
  EXPECT_EQ(supervisor.heard(), "STATUS=else") << "another process shall say it";
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  Watchdog watchdog(io);
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
  watchdog.start();
  EXPECT_EQ(supervisor.heard(), "WATCHDOG=1");
  for (int i = 0; i < 3; ++i) {  // while this thread does not go round, nothing is said
    ::usleep(30'000);
    tell_supervisor("STATUS=hanging");
    EXPECT_EQ(supervisor.heard(), "STATUS=hanging");
    io.run_one();
    EXPECT_EQ(supervisor.heard(), "WATCHDOG=1");
  }
  watchdog.stop();
  io.run();  // ends, as nothing is left to wait for
}

TEST(Supervisor, HearsOfTheWatchdogFromAServer) {
  test::TempDir dir;
  const Supervisor supervisor(dir.path() + "/notify");
  ASSERT_TRUE(supervisor.bound());
  ::setenv("WATCHDOG_USEC", "100000", 1);
  const std::string owner = Signer::from_seed(4, 1).public_key().hex();
  test::Process process({"server", "-p", owner, "-l=127.0.0.1:0", "--data-dir", dir.path() + "/data"}, dir.path());
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(supervisor.heard().substr(0, 8), "READY=1\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(supervisor.heard(), "WATCHDOG=1");
  process.kill(SIGKILL);
  process.wait();
}

TEST(Supervisor, HearsWhenTheServerServesAndWhenItEnds) {
  test::TempDir dir;
  const Supervisor supervisor(dir.path() + "/notify");
  ASSERT_TRUE(supervisor.bound());
  const std::string owner = Signer::from_seed(4, 1).public_key().hex();
  test::Process process({"server", "-p", owner, "-l=127.0.0.1:0", "--data-dir", dir.path() + "/data"}, dir.path());
  EXPECT_EQ(supervisor.heard(),
            "READY=1\nSTATUS=listening on " + process.announced("listen") + ", clients at " + process.announced("api"));
  process.kill(SIGTERM);
  EXPECT_EQ(supervisor.heard(), "STOPPING=1");
  EXPECT_EQ(process.wait(), 0);
}

}  // namespace
}  // namespace np2p::real
