// Ports for tests of one node without a world: time stands where the test puts it, nobody answers dials, and whatever
// the node says is kept for the test to look at. Store and verifier are the real ones.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/crypto/verifier.h"
#include "core/host/host.h"
#include "core/store/memory_store.h"

namespace np2p::test {

class FakePorts : public Clock,
                  public Network,
                  public Timers,
                  public NodeKey,
                  public Entropy,
                  public Clients,
                  public Observer {
 public:
  explicit FakePorts(const Limits& limits) : store(limits) {}

  Host host() { return Host{*this, *this, *this, store, verifier, *this, *this, *this, *this}; }
  // What the disk would do: everything flushed so far is safe; returns the ticket to input.
  Ticket sync() {
    const Ticket ticket = store.commit();
    store.mark_durable(ticket);
    return ticket;
  }

  // Clock
  MonoTime mono() const noexcept override { return now; }
  WallTime wall() const noexcept override { return wall_now; }
  // Network
  LinkId dial(const Address& to) override {
    dialled.push_back(to);
    return LinkId{++last_link};
  }
  std::uint16_t open_port() override { return 0; }
  void close_port(std::uint16_t) override {}
  LinkId dial_from(std::uint16_t, const Address& to) override { return dial(to); }
  LinkId punch(std::uint16_t, const Address&, const NodeId&, MonoTime) override { return {}; }
  LinkId tunnel(const NodeId&, bool) override { return {}; }
  void carried(LinkId, Frame) override {}
  void hold(LinkId, bool) override {}
  void send(LinkId link, Frame frame, Priority, Traffic) override { sent.emplace_back(link, std::move(frame)); }
  void close(LinkId link, CloseReason reason) override { closed.emplace_back(link, reason); }
  std::size_t queued_bytes(LinkId) const noexcept override { return queued; }
  // Timers
  void arm(Timer timer, MonoTime at) override { timers[timer] = at; }
  void cancel(Timer timer) override { timers.erase(timer); }
  // NodeKey, Entropy
  const NodeId& id() const noexcept override { return node_id; }
  Signature sign(std::string_view, ByteView) override { return {}; }
  PairMac pair_mac(const NodeId&, ByteView) override { return {}; }
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = entropy;
    ++entropy;
  }
  // Clients, Observer
  void published(RequestId request, const Status& outcome) override { outcomes.emplace(request.value, outcome); }
  void tell(SessionId session, std::string_view text) override { told[session].emplace_back(text); }
  std::size_t untold_bytes(SessionId) const noexcept override { return untold; }
  void hang_up(SessionId session, std::string_view reason) override { hung_up[session] = reason; }
  void event_accepted(const EventId& event, LinkId) override { accepted.push_back(event); }
  void rejected(std::string_view what, const Error& why, LinkId) override {
    ++rejections[std::string(what) + " " + std::string(name(why.code))];
  }

  MonoTime now{1'000'000'000};
  WallTime wall_now{1'750'000'000LL * 1'000'000'000LL};
  NodeId node_id{};
  MemoryStore store;
  SecpVerifier verifier;
  std::uint8_t entropy = 7;  // of the next secret
  std::uint64_t last_link = 0;
  std::size_t queued = 0;  // on every link
  std::vector<Address> dialled;
  std::vector<std::pair<LinkId, Frame>> sent;
  std::vector<std::pair<LinkId, CloseReason>> closed;
  std::map<Timer, MonoTime> timers;
  std::map<std::uint64_t, Status> outcomes;
  std::vector<EventId> accepted;
  std::map<std::string, int> rejections;
  std::map<SessionId, std::vector<std::string>> told;
  std::map<SessionId, std::string> hung_up;
  std::size_t untold = 0;  // to every client
};

}  // namespace np2p::test
