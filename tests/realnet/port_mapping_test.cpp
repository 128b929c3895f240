// Port mapping against Debian's miniupnpd: a home (host and router) and an Internet of its own, all in namespaces
// without a way out. miniupnpd refuses what is not public, 198.18.0.0/15 included, so this Internet is 11.0.0.0/24.
#include "realnet/net/port_mapping.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "realnet/clock.h"
#include "realnet/net/socket.h"
#include "tests/realnet/namespaces.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::Namespace;
using test::TempDir;

constexpr char kRouter[] = "11.0.0.1";

class Miniupnpd {
 public:
  Miniupnpd(const Namespace& router, const std::string& directory, bool natpmp, bool upnp) {
    const std::string file = directory + "/miniupnpd.conf";
    const auto yes = [](bool on) { return on ? "yes\n" : "no\n"; };
    std::ofstream(file)
        << "ext_ifname=wan\nlistening_ip=lan\nlistening_ip=lan2\nhttp_port=0\nsecure_mode=yes\nsystem_uptime=yes\n"
        << "uuid=b4a1c3d2-0000-4000-8000-000000000001\nserial=1\nmodel_number=1\n"
        << "upnp_table_name=home\nupnp_nat_table_name=home\nupnp_forward_chain=opened\n"
        << "upnp_nat_chain=mapped\nupnp_nat_postrouting_chain=mapped_back\n"
        << "min_lifetime=2\nmax_lifetime=86400\nenable_natpmp=" << yes(natpmp) << "enable_upnp=" << yes(upnp)
        << "allow 1024-65535 192.168.0.0/16 1024-65535\n";
    const std::string log = directory + "/miniupnpd.log";
    const std::string inside = "--net=" + router.path();
    const std::string pid_file = directory + "/miniupnpd.pid";
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    if (::freopen(log.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) < 0) ::_exit(1);
    ::execlp("nsenter", "nsenter", inside.c_str(), "--", "miniupnpd", "-d", "-f", file.c_str(), "-P", pid_file.c_str(),
             nullptr);
    ::_exit(127);
  }
  ~Miniupnpd() { stop(); }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

class PortMappingTest : public testing::Test {
 protected:
  PortMappingTest() {
    connect(host_, "eth", "192.168.7.2/24", router_, "lan", "192.168.7.1/24");
    host_.run("ip route add default via 192.168.7.1");
    connect(neighbour_, "eth", "192.168.8.2/24", router_, "lan2", "192.168.8.1/24");
    neighbour_.run("ip route add default via 192.168.8.1");
    connect(outside_, "eth", "11.0.0.9/24", router_, "wan", std::string(kRouter) + "/24");
    router_.run("sysctl -q -w net.ipv4.ip_forward=1");
    router_.run(
        "nft 'table inet home { chain opened { }; chain mapped { }; chain mapped_back { };"
        " chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept;"
        " iifname { lan, lan2 } accept; jump opened; };"
        " chain pre { type nat hook prerouting priority -100; jump mapped; };"
        " chain post { type nat hook postrouting priority 100; jump mapped_back; oifname wan masquerade; }; }'");
    visit_.emplace(host_);
    listener_.emplace(listen_on(io_, Address::v4(0, 0)).value());
    port_ = listener_->local_endpoint().port();
  }
  void start(Duration lifetime, Duration retry = 1s) {
    mapping_ = map(host_, lifetime, retry, [this](const std::optional<Address>& external, const std::string& who) {
      reports_.push_back(external);
      who_ = who;
    });
  }
  std::unique_ptr<PortMapping> map(const Namespace& from, Duration lifetime, Duration retry,
                                   PortMapping::Report report) {
    std::unique_ptr<PortMapping> mapping;
    const PortMappingSettings settings{Address::v4(0, port_), lifetime, retry};
    from.inside([&] { mapping = std::make_unique<PortMapping>(io_, settings, std::move(report)); });
    return mapping;
  }
  bool run_until(const std::function<bool()>& done, Duration within = 20s) {
    const MonoTime end = mono_now() + within;
    while (!done() && mono_now() < end) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return done();
  }
  // Whether somebody outside reaches the host's port through the router.
  bool reachable(const Address& external) const {
    bool connected = false;
    std::thread([&] {
      const Namespace::Visit visit(outside_);
      asio::io_context io;
      tcp::socket socket(io);
      SocketError failure = asio::error::timed_out;
      socket.async_connect(to_endpoint(external), [&](const SocketError& result) { failure = result; });
      io.run_for(std::chrono::milliseconds(500));
      connected = !failure;
    }).join();
    return connected;
  }
  void map_and_unmap(const std::string& who) {
    start(4s);
    ASSERT_TRUE(run_until([&] { return !reports_.empty(); }));
    ASSERT_TRUE(reports_[0].has_value());
    EXPECT_EQ(who_, who);
    const Address external = *reports_[0];
    EXPECT_EQ(external.ip_text(), kRouter);
    EXPECT_EQ(external.port, port_);
    EXPECT_TRUE(reachable(external));
    // Twice its lifetime later it is still there, because it was renewed.
    EXPECT_FALSE(run_until([&] { return reports_.size() > 1; }, 9s));
    EXPECT_TRUE(reachable(external));
    mapping_.reset();
    EXPECT_FALSE(reachable(external));
    EXPECT_EQ(reports_.size(), 1u);
  }
  TempDir dir_;
  Namespace host_, neighbour_, router_, outside_;
  // The main thread stays with the host: /proc/net, where libnatpmp looks for the router, is that thread's.
  std::optional<Namespace::Visit> visit_;
  asio::io_context io_;
  std::optional<tcp::acceptor> listener_;
  std::uint16_t port_ = 0;
  std::vector<std::optional<Address>> reports_;
  std::string who_;
  std::unique_ptr<PortMapping> mapping_;
};

TEST_F(PortMappingTest, NatPmpMapsRenewsAndUnmaps) {
  const Miniupnpd daemon(router_, dir_.path(), true, false);
  map_and_unmap("NAT-PMP");
}

TEST_F(PortMappingTest, UpnpMapsRenewsAndUnmaps) {
  const Miniupnpd daemon(router_, dir_.path(), false, true);
  map_and_unmap("UPnP");
}

TEST_F(PortMappingTest, APortThatANeighbourHasGivesAnother) {
  const Miniupnpd daemon(router_, dir_.path(), false, true);
  std::optional<Address> theirs;
  const auto neighbour =
      map(neighbour_, 60s, 1s, [&](const std::optional<Address>& external, const std::string&) { theirs = external; });
  ASSERT_TRUE(run_until([&] { return theirs.has_value(); }));
  EXPECT_EQ(theirs->port, port_);
  start(60s);
  ASSERT_TRUE(run_until([&] { return !reports_.empty(); }));
  ASSERT_TRUE(reports_[0].has_value());
  EXPECT_NE(reports_[0]->port, port_);
  EXPECT_TRUE(reachable(*reports_[0]));
}

TEST_F(PortMappingTest, AServerIsReachedFromOutsideWhileItRuns) {
  const Miniupnpd daemon(router_, dir_.path(), true, true);
  ServerOptions options = test::loopback_options(Signer::from_seed(7, 1).public_key(), dir_.path() + "/data");
  options.config.listen = Address::v4(0, 0);
  options.api = test::loopback(0);
  options.port_mapping = true;
  test::RunningServer server(options);
  Address external = Address::parse(std::string(kRouter) + ":0").value();
  external.port = server.port();
  EXPECT_TRUE(run_until([&] { return reachable(external); }));
  server.end();
  EXPECT_FALSE(reachable(external));
}

TEST_F(PortMappingTest, NoRouterIsAQuietFailure) {
  start(60s, 60s);
  EXPECT_FALSE(run_until([&] { return !reports_.empty(); }, 6s));
  mapping_.reset();
  EXPECT_TRUE(reports_.empty());
}

TEST_F(PortMappingTest, ARouterThatComesLaterIsFoundAndOneThatGoesIsNoticed) {
  start(4s, 500ms);
  EXPECT_FALSE(run_until([&] { return !reports_.empty(); }, 1s));
  Miniupnpd daemon(router_, dir_.path(), true, false);
  ASSERT_TRUE(run_until([&] { return reports_.size() == 1; }));
  ASSERT_TRUE(reports_[0].has_value());
  daemon.stop();
  ASSERT_TRUE(run_until([&] { return reports_.size() == 2; }));
  EXPECT_FALSE(reports_[1].has_value());
}

TEST(PortMapping, IsForListenersThatARouterHides) {
  const auto needs = [](const char* listen) { return needs_port_mapping(Address::parse(listen).value()); };
  EXPECT_TRUE(needs("0.0.0.0:1") && needs("[::]:1") && needs("10.1.2.3:1") && needs("192.168.1.1:1"));
  EXPECT_FALSE(needs("127.0.0.1:1") || needs("[::1]:1") || needs("198.51.100.1:1") || needs("[2001:db8::1]:1"));
}

}  // namespace
}  // namespace np2p::real
