// IPv6 as IPv4: listeners, links, the API, and addresses of both kinds on one socket.
#include <gtest/gtest.h>

#include "realnet/net/socket.h"
#include "tests/realnet/recorder.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::LinkWorld;
using test::Recorder;

Address address(const std::string& text) {
  return Address::parse(text).value();
}

class Ipv6Test : public LinkWorld {};

TEST_F(Ipv6Test, ALinkOverLoopback) {
  Recorder alice(io_, "test", {}, {}, address("[::1]:0"));
  Recorder bob(io_, "test", {}, {}, address("[::1]:0"));
  EXPECT_EQ(bob.address.text(), "[::1]:" + std::to_string(bob.address.port));
  alice.links.dial(bob.address);
  ASSERT_TRUE(run_until([&] { return !alice.up.empty() && !bob.up.empty(); }));
  EXPECT_EQ(alice.up[0].remote, bob.address);
  EXPECT_TRUE(bob.up[0].remote.is_loopback());
  EXPECT_FALSE(bob.up[0].remote.is_v4());
}

TEST_F(Ipv6Test, AListenerOnAnyTakesBothAndSeesIPv4AsIPv4) {
  Recorder node(io_, "test", {}, {}, address("[::]:0"));
  Recorder six(io_, "test", {}, {}, address("[::1]:0"));
  Recorder four(io_);
  six.links.dial(address("[::1]:" + std::to_string(node.address.port)));
  ASSERT_TRUE(run_until([&] { return node.up.size() == 1; }));
  four.links.dial(address("127.0.0.1:" + std::to_string(node.address.port)));
  ASSERT_TRUE(run_until([&] { return node.up.size() == 2; }));
  EXPECT_EQ(node.up[0].remote.ip_text(), "::1");
  EXPECT_EQ(node.up[1].remote.ip_text(), "127.0.0.1");
  EXPECT_TRUE(node.up[1].remote.is_v4());
}

TEST_F(Ipv6Test, OpenPortsAndPunchesOfBothKinds) {
  for (const char* host : {"[::1]:0", "127.0.0.1:0"}) {
    Recorder node(io_, "test", {}, {}, address("[::]:0"));
    Recorder other(io_, "test", {}, {}, address(host));
    Address to = address(host);
    to.port = other.links.open_port();
    const std::uint16_t from = node.links.open_port();
    node.links.dial_from(from, other.address);
    ASSERT_TRUE(run_until([&] { return other.up.size() == 1 && node.up.size() == 1; })) << host;
    EXPECT_EQ(other.up[0].remote.port, from);
    node.links.punch(from, to, other.key->id(), mono_now());
    ASSERT_TRUE(run_until([&] { return other.up.size() == 2 && node.up.size() == 2; })) << host;
    EXPECT_EQ(node.up[1].path, Path::punched);
  }
}

TEST_F(Ipv6Test, MappedAddressesBecomeIPv4OnTheWayInAndOut) {
  const auto mapped = asio::ip::make_address("::ffff:192.0.2.7");
  const Address inward = to_address({mapped, 5});
  EXPECT_TRUE(inward.is_v4());
  EXPECT_EQ(inward.text(), "192.0.2.7:5");
  EXPECT_EQ(inward, to_address({asio::ip::make_address("192.0.2.7"), 5}));
  EXPECT_TRUE(to_endpoint(inward).address().is_v4());
  EXPECT_TRUE(to_endpoint(address("[2001:db8::1]:7")).address().is_v6());
}

TEST_F(Ipv6Test, AServerAndItsApi) {
  const test::TempDir dir;
  const Signer owner = Signer::from_seed(6, 1);
  ServerOptions options = test::loopback_options(owner.public_key(), dir.path());
  options.config.listen = address("[::1]:0");
  test::RunningServer server(options);
  EXPECT_EQ(server->api_address().ip_text(), "::1");
  EXPECT_EQ(server->api_url(), "http://[::1]:" + std::to_string(server.api_port()));
  test::HttpClient client(server->api_address());
  const std::string host = "Host: [::1]:" + std::to_string(server.api_port()) + "\r\n";
  EXPECT_EQ(client.request("GET", "/status", "", host).status, 200);
  EXPECT_EQ(client.request("GET", "/status", "", "Host: [2001:db8::1]\r\n").status, 403);
}

}  // namespace
}  // namespace np2p::real
