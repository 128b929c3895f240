// Clients on WebSockets in front of one node, without sockets: what they send, and what they are told.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/crypto/signer.h"
#include "core/event/json.h"
#include "core/node.h"
#include "tests/core/fake_ports.h"

namespace np2p::test {

class ClientFixture : public ::testing::Test {
 protected:
  ClientFixture() { start({}); }

  void start(Config config) {
    node.reset();
    config.owner = owner.public_key();
    ports = std::make_unique<FakePorts>(config.limits);
    node = std::make_unique<Node>(config, ports->host());
    node->start();
    last_session = 0;
  }
  SessionId connect(bool trusted = true, std::uint32_t ip = 0x7F000001) { return connect(trusted, Address::v4(ip, 1)); }
  SessionId connect(bool trusted, const Address& from) {
    const SessionId session{++last_session};
    ClientOrigin origin;
    origin.peer = from;
    origin.trusted = trusted;
    origin.url = "ws://relay.example:8080";
    EXPECT_TRUE(node->session_opened(session, origin));
    return session;
  }
  // What the client is told in answer, the disk having finished.
  std::vector<std::string> say(SessionId session, const std::string& text) {
    node->session_text(session, text);
    node->durable(ports->sync());
    return heard(session);
  }
  std::vector<std::string> heard(SessionId session) { return std::exchange(ports->told[session], {}); }
  std::vector<std::string> publish(SessionId session, const Event& event) {
    return say(session, "[\"EVENT\"," + event_json(event) + "]");
  }
  void store(const Event& event) {
    const SessionId session = connect();
    const auto answer = publish(session, event);
    ASSERT_EQ(answer, std::vector<std::string>{ok(event)});
    node->session_closed(session);
  }
  // The contents of the events that a REQ brings before its EOSE.
  std::vector<std::string> stored(const std::string& filters) {
    const SessionId session = connect();
    const auto answer = say(session, "[\"REQ\",\"s\"," + filters + "]");
    node->session_closed(session);
    EXPECT_FALSE(answer.empty());
    std::vector<std::string> found;
    for (const auto& text : answer) {
      if (text != R"(["EOSE","s"])") found.push_back(content_of(text));
    }
    EXPECT_EQ(answer.back(), R"(["EOSE","s"])");
    return found;
  }
  static std::string content_of(const std::string& text) {
    const auto from = text.find("\"content\":\"");
    if (from == std::string::npos) return text;
    const auto begin = from + 11;
    return text.substr(begin, text.find('"', begin) - begin);
  }
  static std::string ok(const Event& event, const std::string& reason = "", bool accepted = true) {
    return "[\"OK\",\"" + event.id.hex() + "\"," + (accepted ? "true" : "false") + ",\"" + reason + "\"]";
  }
  [[nodiscard]] std::int64_t now() const { return unix_seconds(ports->wall_now); }
  [[nodiscard]] Event note(const std::string& content, std::int64_t age = 0, Tags tags = {}) const {
    return owner.sign(kind::post, now() - age, std::move(tags), content);
  }
  static Tags tag(std::initializer_list<std::string_view> values) {
    Tags tags;
    tags.add(values);
    return tags;
  }

  Signer owner = Signer::from_seed(1, 1);
  Signer stranger = Signer::from_seed(1, 2);
  Signer friend_ = Signer::from_seed(1, 3);
  std::unique_ptr<FakePorts> ports;
  std::unique_ptr<Node> node;
  std::uint64_t last_session = 0;
};

}  // namespace np2p::test
