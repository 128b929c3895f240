// Clients that are slow on purpose: what they are told, that they are counted, and that their places go to others.
#include "realnet/net/asio.h"

#include <gtest/gtest.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "core/api/client_limits.h"
#include "core/event/json.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

namespace websocket = boost::beast::websocket;
using test::HttpClient;
using test::RunningServer;
using test::TempDir;

// Blocking; a read that takes ten seconds ends like one that failed.
class Client {
 public:
  explicit Client(std::uint16_t port) : stream_(io_) {
    stream_.next_layer().connect(to_endpoint(test::loopback(port)));
    const timeval limit{10, 0};
    ::setsockopt(stream_.next_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void offer_compression() {
    websocket::permessage_deflate options;
    options.client_enable = true;
    stream_.set_option(options);
  }
  // The answer to the upgrade.
  websocket::response_type open() {
    websocket::response_type response;
    SocketError failure;
    stream_.handshake(response, "localhost", "/", failure);
    return response;
  }
  void send(const std::string& text) { stream_.write(asio::buffer(text)); }
  std::string receive() {
    boost::beast::flat_buffer message;
    SocketError failure;
    stream_.read(message, failure);
    if (failure) return "closed " + std::to_string(stream_.reason().code);
    return boost::beast::buffers_to_string(message.data());
  }
  std::string ask(const std::string& text) {
    send(text);
    return receive();
  }
  // Reads on to the end, and says with which code it came.
  std::string end() {
    std::string last = receive();
    while (last.substr(0, 7) != "closed ") last = receive();
    return last;
  }
  [[nodiscard]] std::string reason() const { return std::string(stream_.reason().reason.c_str()); }

 private:
  asio::io_context io_;
  websocket::stream<tcp::socket> stream_;
};

class SlowClients : public testing::Test {
 protected:
  SlowClients() : owner_(Signer::from_seed(1, 1)) {}
  ServerOptions options() { return test::loopback_options(owner_.public_key(), dir_.path()); }
  [[nodiscard]] Event post(const std::string& content) const {
    return owner_.sign(kind::post, unix_seconds(wall_now()), {}, content);
  }
  static std::string publish(const Event& event) { return "[\"EVENT\"," + event_json(event) + "]"; }
  static std::uint64_t metric(RunningServer& server, const std::string& name) {
    const std::string text = "\n" + HttpClient(server.api_port()).request("GET", "/metrics", "", "").body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? ~std::uint64_t{0} : std::stoull(text.substr(at + name.size() + 2));
  }
  static std::string timeouts(const std::string& phase) { return "np2p_http_timeouts_total{phase=\"" + phase + "\"}"; }
  // Until the server has it so, for ten seconds at most.
  template <class Condition>
  static bool becomes(Condition condition) {
    for (int tries = 0; tries < 200; ++tries) {
      if (condition()) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }

  TempDir dir_;
  Signer owner_;
};

TEST_F(SlowClients, ARequestThatDoesNotBecomeWholeIsToldThatItTookTooLong) {
  ServerOptions made = options();
  made.http_limits.header_deadline = 100ms;
  made.http_limits.body_deadline = 100ms;
  RunningServer server(made);
  HttpClient header(server.api_port());
  header.send("POST /publish HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(header.receive().status, 408);
  EXPECT_TRUE(header.closed());
  HttpClient body(server.api_port());
  body.send("POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  const auto told = body.receive();
  EXPECT_EQ(told.status, 408);
  EXPECT_EQ(told.body, R"({"Error":"the request took too long to arrive"})");
  EXPECT_EQ(told.header("connection"), "close");
  EXPECT_TRUE(body.closed());
  EXPECT_EQ(metric(server, timeouts("header")), 1u);
  EXPECT_EQ(metric(server, timeouts("body")), 1u);
}

TEST_F(SlowClients, ByteByByteIsNoWayToStay) {
  ServerOptions made = options();
  made.http_limits.header_deadline = 300ms;
  RunningServer server(made);
  HttpClient client(server.api_port());
  client.send("GET /status HTTP/1.1\r\nX: ");
  std::uint64_t late = 0;
  for (int bytes = 0; bytes < 200 && late == 0; ++bytes) {
    try {
      client.send("x");
    } catch (const std::exception&) {  // closed
      break;
    }
    std::this_thread::sleep_for(20ms);
    late = metric(server, timeouts("header"));
  }
  EXPECT_EQ(metric(server, timeouts("header")), 1u);
}

TEST_F(SlowClients, WhoSaysNothingIsLeftWithoutAWord) {
  ServerOptions made = options();
  made.http_limits.idle_deadline = 100ms;
  RunningServer server(made);
  HttpClient client(server.api_port());
  EXPECT_THROW(client.receive(), std::runtime_error);
  EXPECT_EQ(metric(server, timeouts("idle")), 1u);
}

TEST_F(SlowClients, WhoMakesRoomForOthersIsToldSo) {
  ServerOptions made = options();
  made.http_limits.connections = 2;
  RunningServer server(made);
  HttpClient first(server.api_port());
  first.send("GET /status HTTP/1.1\r\nX: ");
  HttpClient second(server.api_port());
  second.send("GET /status HTTP/1.1\r\nX: ");
  ASSERT_TRUE(becomes([&] { return metric(server, "np2p_http_evicted_total") > 0; }));
  EXPECT_EQ(first.receive().status, 503);
}

TEST_F(SlowClients, WhoHasMadeRoomDoesNotStayForAllThat) {
  ServerOptions made = options();
  made.http_limits.connections = 2;
  made.http_limits.linger = 100ms;
  RunningServer server(made);
  HttpClient first(server.api_port());
  first.send("GET /status HTTP/1.1\r\nX: ");
  HttpClient second(server.api_port());
  second.send("GET /status HTTP/1.1\r\nX: ");
  ASSERT_TRUE(becomes([&] { return metric(server, "np2p_http_evicted_total") > 0; }));
  EXPECT_EQ(first.receive().status, 503);
  EXPECT_TRUE(becomes([&] {  // what it goes on sending is read for a moment, and then there is nobody
    try {
      first.send("more");
      return false;
    } catch (const std::exception&) {
      return true;
    }
  }));
}

TEST_F(SlowClients, AWebSocketThatTakesNothingMakesRoomForAnother) {
  ServerOptions made = options();
  made.http_limits.web_sockets = 2;
  made.http_limits.stall = 100ms;
  RunningServer server(made);
  Client writer(server.api_port());
  ASSERT_EQ(writer.open().result_int(), 101u);
  for (int i = 0; i < 100; ++i) {
    const Event event = post(std::to_string(i) + std::string(60'000, 'x'));
    ASSERT_EQ(writer.ask(publish(event)).substr(0, 5), R"(["OK")");
  }
  Client deaf(server.api_port());
  ASSERT_EQ(deaf.open().result_int(), 101u);
  deaf.send(R"(["REQ","s",{}])");  // 6 MB, more than any socket buffers
  EXPECT_TRUE(becomes([&] {
    Client newcomer(server.api_port());
    return newcomer.open().result_int() == 101u;
  }));
  EXPECT_EQ(writer.ask(R"(["COUNT","c",{"kinds":[7]}])"), R"(["COUNT","c",{"count":0}])") << "it is of use and stays";
}

TEST_F(SlowClients, SoDoesOneThatNeverSaidAnything) {
  ServerOptions made = options();
  made.http_limits.web_sockets = 1;
  made.http_limits.stall = 100ms;
  RunningServer server(made);
  Client mute(server.api_port());
  ASSERT_EQ(mute.open().result_int(), 101u);
  std::unique_ptr<Client> newcomer;
  ASSERT_TRUE(becomes([&] {
    newcomer = std::make_unique<Client>(server.api_port());
    return newcomer->open().result_int() == 101u;
  }));
  EXPECT_EQ(mute.end(), "closed 1013");
  EXPECT_EQ(newcomer->ask(R"(["REQ","s",{}])"), R"(["EOSE","s"])");
}

TEST_F(SlowClients, WhoLetsTooMuchWaitIsToldOnceItReads) {
  ServerOptions made = options();
  made.config.limits.client.queue_bytes = 1'000'000;
  RunningServer server(made);
  Client slow(server.api_port());
  ASSERT_EQ(slow.open().result_int(), 101u);
  ASSERT_EQ(slow.ask(R"(["REQ","s",{}])"), R"(["EOSE","s"])");
  Client writer(server.api_port());
  ASSERT_EQ(writer.open().result_int(), 101u);
  ASSERT_TRUE(becomes([&] {
    for (int i = 0; i < 10; ++i) {
      const Event event = post(std::to_string(mono_now().ns) + std::string(60'000, 'x'));
      if (writer.ask(publish(event)).substr(0, 5) != R"(["OK")") return false;
    }
    return metric(server, "np2p_rejected_total{what=\"session full\"}") == 1;
  }));
  EXPECT_EQ(slow.end(), "closed 1008");
  EXPECT_EQ(slow.reason(), "too slow");
}

TEST_F(SlowClients, WhoBringsForgedEventsIsHungUpOn) {
  RunningServer server(options());
  Client client(server.api_port());
  ASSERT_EQ(client.open().result_int(), 101u);
  Event forged = post("forged");
  forged.sig.data[5] ^= 1;
  for (std::uint32_t i = 0; i < kForgeries; ++i) {
    ASSERT_NE(client.ask(publish(forged)).find(R"(",false,"invalid: the signature)"), std::string::npos);
  }
  for (int i = 0; i < 5; ++i) client.send(publish(forged));  // some are forgiven, as time passes
  EXPECT_EQ(client.end(), "closed 1008");
  EXPECT_EQ(client.reason(), "too many events that are forged");
}

TEST_F(SlowClients, MessagesAreCompressedForWhoOffersIt) {
  RunningServer server(options());
  Client client(server.api_port());
  client.offer_compression();
  const auto response = client.open();
  const std::string agreed(response[boost::beast::http::field::sec_websocket_extensions]);
  EXPECT_NE(agreed.find("permessage-deflate"), std::string::npos);
  EXPECT_NE(agreed.find("server_no_context_takeover"), std::string::npos);
  EXPECT_NE(agreed.find("client_no_context_takeover"), std::string::npos);
  const Event event = post(std::string(60'000, 'x') + R"( "quoted" )");  // several fragments when it is random
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(client.ask(publish(event)).find(",true,"), std::string::npos);
    EXPECT_EQ(client.ask(R"(["REQ","s",{}])"), "[\"EVENT\",\"s\"," + event_json(event) + "]");
    EXPECT_EQ(client.receive(), R"(["EOSE","s"])");
  }
  Client plain(server.api_port());
  EXPECT_EQ(plain.open().count(boost::beast::http::field::sec_websocket_extensions), 0u);
}

TEST_F(SlowClients, ABombIsMeasuredExpanded) {
  RunningServer server(options());
  Client client(server.api_port());
  client.offer_compression();
  ASSERT_EQ(client.open().result_int(), 101u);
  client.send(std::string(4 * 1024 * 1024, ' '));  // four thousand bytes on the wire
  EXPECT_EQ(client.end(), "closed 1009");
  Client large(server.api_port());
  large.offer_compression();
  ASSERT_EQ(large.open().result_int(), 101u);
  EXPECT_EQ(large.ask(R"(["REQ","s",{"search":")" + std::string(300 * 1024, 'x') + "\"}]").substr(0, 13),
            R"(["CLOSED","s")");
}

}  // namespace
}  // namespace np2p::real
