// The WebSocket over real sockets, plain and over TLS, and what else is on the same port: NIP-11, NIP-98, pages.
#include "realnet/net/asio.h"

#include <gtest/gtest.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "core/event/json.h"
#include "core/event/sha256.h"
#include "tests/realnet/certificate.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

namespace websocket = boost::beast::websocket;
namespace ssl = asio::ssl;
using test::HttpClient;
using test::HttpResponse;
using test::RunningServer;
using test::TempDir;

// Blocking, with whatever lies below. A read that takes ten seconds fails the test.
template <class Below>
class Socket {
 public:
  template <class... Arguments>
  explicit Socket(std::uint16_t port, Arguments&... arguments) : stream_(io_, arguments...) {
    auto& tcp = boost::beast::get_lowest_layer(stream_);
    tcp.connect(to_endpoint(test::loopback(port)));
    const timeval limit{10, 0};
    ::setsockopt(tcp.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if constexpr (!std::is_same_v<Below, tcp::socket>) stream_.next_layer().handshake(ssl::stream_base::client);
  }
  // 101 if it has become a WebSocket.
  int open(const std::string& host = "localhost", const std::string& origin = "") {
    stream_.set_option(websocket::stream_base::decorator([origin](websocket::request_type& request) {
      if (!origin.empty()) request.set(boost::beast::http::field::origin, origin);
    }));
    websocket::response_type response;
    SocketError failure;
    stream_.handshake(response, host, "/", failure);
    return static_cast<int>(response.result_int());
  }
  void send(const std::string& text, bool is_text = true) {
    stream_.text(is_text);
    stream_.write(asio::buffer(text));
  }
  // The next message; "closed CODE" if there is none any more.
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

 private:
  asio::io_context io_;
  websocket::stream<Below> stream_;
};
using Plain = Socket<tcp::socket>;

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() : owner_(Signer::from_seed(1, 1)) {}
  ServerOptions options() { return test::loopback_options(owner_.public_key(), dir_.path()); }
  [[nodiscard]] Event post(const std::string& content) const {
    return owner_.sign(kind::post, unix_seconds(wall_now()), {}, content);
  }
  static std::string publish(const Event& event) { return "[\"EVENT\"," + event_json(event) + "]"; }
  static std::string ok(const Event& event) { return "[\"OK\",\"" + event.id.hex() + "\",true,\"\"]"; }

  // Beast's client keeps no answer that refuses.
  static int status_of_upgrade(RunningServer& server, const std::string& target,
                               const std::string& host = "localhost") {
    return HttpClient(server.api_port())
        .request("GET", target, "",
                 "Host: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
        .status;
  }

  TempDir dir_;
  Signer owner_;
};

TEST_F(WebSocketTest, OneSubscribesAnotherPublishes) {
  RunningServer server(options());
  Plain reader(server.api_port());
  Plain writer(server.api_port());
  ASSERT_EQ(reader.open(), 101);
  ASSERT_EQ(writer.open(), 101);
  EXPECT_EQ(reader.ask(R"(["REQ","s",{"kinds":[1]}])"), R"(["EOSE","s"])");
  const Event event = post("hello");
  EXPECT_EQ(writer.ask(publish(event)), ok(event));
  EXPECT_EQ(reader.receive(), "[\"EVENT\",\"s\"," + event_json(event) + "]");
  EXPECT_EQ(writer.ask(R"(["COUNT","c",{}])"), R"(["COUNT","c",{"count":1}])");
}

TEST_F(WebSocketTest, ManyAtOnceAreAnsweredInOrder) {
  RunningServer server(options());
  Plain client(server.api_port());
  ASSERT_EQ(client.open(), 101);
  std::vector<Event> events;
  for (int i = 0; i < 100; ++i) events.push_back(post(std::to_string(i)));
  for (const Event& event : events) client.send(publish(event));
  for (const Event& event : events) ASSERT_EQ(client.receive(), ok(event));
  client.send(R"(["REQ","s",{}])");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.receive().substr(0, 12), R"(["EVENT","s")");
  EXPECT_EQ(client.receive(), R"(["EOSE","s"])");
}

TEST_F(WebSocketTest, OverTlsItIsTheSame) {
  ServerOptions made = options();
  made.tls_certificate = dir_.path() + "/chain.pem";
  made.tls_key = dir_.path() + "/key.pem";
  test::write_certificate(made.tls_certificate, made.tls_key);
  RunningServer server(made);
  ssl::context context(ssl::context::tls_client);
  context.load_verify_file(made.tls_certificate);
  Socket<ssl::stream<tcp::socket>> client(server.api_port(), context);
  ASSERT_EQ(client.open(), 101);
  const Event event = post(std::string(60'000, 'x'));  // several records
  EXPECT_EQ(client.ask(publish(event)), ok(event));
  EXPECT_EQ(client.ask(R"(["REQ","s",{}])"), "[\"EVENT\",\"s\"," + event_json(event) + "]");
}

TEST_F(WebSocketTest, ForeignNamesAndPathsAreRefused) {
  RunningServer server(options());
  EXPECT_EQ(status_of_upgrade(server, "/", "evil.example"), 403);
  EXPECT_EQ(status_of_upgrade(server, "/elsewhere"), 404);
}

TEST_F(WebSocketTest, APageOfAForeignOriginCountsAsRemote) {
  RunningServer server(options());
  const std::string port = std::to_string(server.api_port());
  Plain evil(server.api_port());
  ASSERT_EQ(evil.open("localhost", "http://evil.example"), 101);
  EXPECT_EQ(evil.receive().substr(0, 8), R"(["AUTH",)");
  EXPECT_EQ(evil.ask(R"(["REQ","s",{}])").substr(0, 29), R"(["CLOSED","s","auth-required:)");
  Plain own(server.api_port());
  ASSERT_EQ(own.open("127.0.0.1:" + port, "http://127.0.0.1:" + port), 101);
  EXPECT_EQ(own.ask(R"(["REQ","s",{}])"), R"(["EOSE","s"])");
}

TEST_F(WebSocketTest, WhatIsNoMessageEndsTheConnectionWithItsCode) {
  RunningServer server(options());
  Plain binary(server.api_port());
  ASSERT_EQ(binary.open(), 101);
  binary.send("x", false);
  EXPECT_EQ(binary.receive(), "closed 1003");
  Plain large(server.api_port());
  ASSERT_EQ(large.open(), 101);
  large.send(std::string(330 * 1024, ' '));
  EXPECT_EQ(large.receive(), "closed 1009");
  Plain not_utf8(server.api_port());
  ASSERT_EQ(not_utf8.open(), 101);
  not_utf8.send("\xff");
  EXPECT_EQ(not_utf8.receive(), "closed 1007");
}

TEST_F(WebSocketTest, ThereIsRoomForSoManyAndNoMore) {
  ServerOptions made = options();
  made.http_limits.web_sockets = 2;
  RunningServer server(made);
  Plain one(server.api_port());
  Plain two(server.api_port());
  EXPECT_EQ(one.open(), 101);
  EXPECT_EQ(two.open(), 101);
  EXPECT_EQ(status_of_upgrade(server, "/"), 503);
  HttpClient rest(server.api_port());
  EXPECT_EQ(rest.request("GET", "/status", "", "").status, 200) << "REST has room of its own";
}

TEST_F(WebSocketTest, WhoDoesNotReadIsCutOffAndOthersGoOn) {
  ServerOptions made = options();
  made.http_limits.web_socket.write_deadline = 300ms;
  RunningServer server(made);
  Plain writer(server.api_port());
  ASSERT_EQ(writer.open(), 101);
  for (int i = 0; i < 170; ++i) {
    const Event event = post(std::to_string(i) + std::string(60'000, 'x'));
    ASSERT_EQ(writer.ask(publish(event)), ok(event));
  }
  Plain slow(server.api_port());
  ASSERT_EQ(slow.open(), 101);
  slow.send(R"(["REQ","s",{}])");  // 10 MB that nobody takes
  std::string status;
  for (int tries = 0; tries < 100 && status.find("\"sessions\":1") == std::string::npos; ++tries) {
    status = HttpClient(server.api_port()).request("GET", "/status", "", "").body;
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_NE(status.find("\"sessions\":1"), std::string::npos) << status;
  EXPECT_EQ(writer.ask(R"(["COUNT","c",{"kinds":[7]}])"), R"(["COUNT","c",{"count":0}])");
}

TEST_F(WebSocketTest, AServerThatStopsSaysSo) {
  RunningServer server(options());
  Plain client(server.api_port());
  ASSERT_EQ(client.open(), 101);
  const Event event = post("last words");
  client.send(publish(event));
  EXPECT_EQ(client.receive(), ok(event));
  std::thread stopper([&] { server.stop(); });
  EXPECT_EQ(client.receive(), "closed 1001");
  stopper.join();
}

TEST_F(WebSocketTest, WhatKindOfRelayThisIsEverybodyMayKnow) {
  RunningServer server(options());
  HttpClient client(server.api_port());
  const auto answer =
      client.request("GET", "/", "", "Accept: application/nostr+json\r\nOrigin: http://evil.example\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/nostr+json");
  EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
  EXPECT_NE(answer.body.find("\"pubkey\":\"" + owner_.public_key().hex() + "\""), std::string::npos);
  EXPECT_NE(answer.body.find("\"auth_required\":true"), std::string::npos) << "of such a page";
  const auto own = client.request("GET", "/", "", "Accept: application/nostr+json\r\n");
  EXPECT_NE(own.body.find("\"auth_required\":false"), std::string::npos);
  EXPECT_EQ(client.request("GET", "/", "", "").status, 404) << "there is no page in it";
}

TEST_F(WebSocketTest, PagesHaveAPolicyAndAreKeptByBrowsers) {
  ServerOptions made = options();
  const std::string script(2000, 'x');
  made.pages = {{"/", {"<!doctype html>", "text/html; charset=utf-8"}},
                {"/assets/a-1.js", {script, "text/javascript", true}}};
  RunningServer server(made);
  HttpClient client(server.api_port());
  const auto page = client.request("GET", "/", "", "");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "<!doctype html>");
  EXPECT_EQ(page.header("cache-control"), "no-cache");
  EXPECT_NE(page.header("content-security-policy").find("default-src 'none'"), std::string::npos);
  EXPECT_NE(page.header("content-security-policy").find("connect-src 'self' ws://localhost "), std::string::npos);
  const auto again = client.request("GET", "/", "", "If-None-Match: " + page.header("etag") + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  const auto asset = client.request("GET", "/assets/a-1.js", "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(asset.header("content-encoding"), "gzip");
  EXPECT_NE(asset.header("cache-control").find("immutable"), std::string::npos);
  EXPECT_EQ(client.request("GET", "/assets/b.js", "", "").status, 404);
  EXPECT_EQ(client.request("GET", "/", "", "Accept: application/nostr+json\r\n").header("content-type"),
            "application/nostr+json");
}

// --- NIP-98: who comes from elsewhere proves to be the owner, for this request and once.
class RemoteRest : public WebSocketTest {
 protected:
  RemoteRest() : server_(options()), port_(std::to_string(server_.api_port())) {}
  static constexpr const char* kFilter = R"({"kinds":[1]})";

  HttpResponse send(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& authorization) {
    std::string headers =
        "Content-Type: application/json\r\nX-Forwarded-For: 198.51.100.7\r\nHost: localhost:" + port_ + "\r\n";
    if (!authorization.empty()) headers += "Authorization: " + authorization + "\r\n";
    return HttpClient(server_.api_port()).request(method, target, body, headers);
  }
  std::string nonce() {
    const std::string asked = send("POST", "/req", kFilter, "").header("www-authenticate");
    const auto from = asked.find('"');
    return asked.substr(from + 1, asked.rfind('"') - from - 1);
  }
  struct Proof {
    std::string url;
    std::string method = "POST";
    std::string body = kFilter;
    std::int64_t age = 0;
  };
  [[nodiscard]] std::string url(const std::string& nonce, const std::string& path = "/req") const {
    return "http://localhost:" + port_ + path + "?nonce=" + nonce;
  }
  static std::string authorization(const Signer& who, const Proof& proof) {
    Tags tags;
    tags.add({"u", proof.url});
    tags.add({"method", proof.method});
    tags.add({"payload", to_hex(sha256(bytes_of(proof.body)))});
    const std::string json = event_json(who.sign(27235, unix_seconds(wall_now()) - proof.age, std::move(tags), ""));
    std::string out(4 * ((json.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(json.data()), static_cast<int>(json.size()));
    out.resize(static_cast<std::size_t>(size));
    return "Nostr " + out;
  }
  int read(const std::string& nonce, const std::string& authorization) {
    return send("POST", "/req?nonce=" + nonce, kFilter, authorization).status;
  }

  RunningServer server_;
  std::string port_;
};

TEST_F(RemoteRest, EveryCredentialButTheRightOneIsRefused) {
  const Signer stranger = Signer::from_seed(1, 2);
  EXPECT_EQ(send("POST", "/req", kFilter, "").status, 401);
  EXPECT_EQ(send("GET", "/status", "", "").status, 401);
  EXPECT_EQ(send("GET", "/metrics", "", "").status, 403);
  for (const char* nonsense : {"Nostr", "Nostr ", "Nostr !!!!", "Nostr e30=", "Basic e30=", "Bearer x"}) {
    EXPECT_EQ(read(nonce(), nonsense), 401) << nonsense;
  }
  std::string fresh = nonce();
  EXPECT_EQ(read(fresh, authorization(stranger, {url(fresh)})), 403) << "another key";
  fresh = nonce();
  EXPECT_EQ(read(fresh, authorization(owner_, {url(fresh), "POST", kFilter, 120})), 401) << "stale";
  EXPECT_EQ(read(fresh, authorization(owner_, {url(fresh), "POST", kFilter, -120})), 401) << "from the future";
  EXPECT_EQ(read(fresh, authorization(owner_, {url(fresh, "/status")})), 401) << "another URL";
  EXPECT_EQ(read(fresh, authorization(owner_, {"http://elsewhere.example/req?nonce=" + fresh})), 401) << "another host";
  EXPECT_EQ(read(fresh, authorization(owner_, {url(fresh), "GET"})), 401) << "another method";
  EXPECT_EQ(read(fresh, authorization(owner_, {url(fresh), "POST", "{}"})), 401) << "another body";
  EXPECT_EQ(read("0123", authorization(owner_, {url("0123")})), 401) << "a nonce that is none of ours";
  const std::string good = authorization(owner_, {url(fresh)});
  EXPECT_EQ(read(fresh, good), 200);
  EXPECT_EQ(read(fresh, good), 401) << "replayed";
  EXPECT_EQ(read(fresh, authorization(owner_, {url(fresh)})), 401) << "the nonce is used up";
}

TEST_F(RemoteRest, TheStatusPageToo) {
  const std::string fresh = nonce();
  const std::string proof = authorization(owner_, {url(fresh, "/status"), "GET", ""});
  EXPECT_EQ(send("GET", "/status?nonce=" + fresh, "", proof).status, 200);
}

TEST_F(RemoteRest, TheOwnersEventsProveThemselvesButProtectedOnesDoNot) {
  EXPECT_EQ(send("POST", "/publish", event_json(post("from elsewhere")), "").status, 200);
  Tags tags;
  tags.add({"-"});
  const std::string body = event_json(owner_.sign(1, unix_seconds(wall_now()), std::move(tags), "protected"));
  EXPECT_EQ(send("POST", "/publish", body, "").status, 401);
  const std::string fresh = nonce();
  const std::string proof = authorization(owner_, {url(fresh, "/publish"), "POST", body});
  EXPECT_EQ(send("POST", "/publish?nonce=" + fresh, body, proof).status, 200);
}

}  // namespace
}  // namespace np2p::real
