// One machine with a nostrp2p node on it: the ports of core/host over the fabric, a disk that takes time, and the
// node's process, which can end and begin again. The disk outlives the process; what was not durable does not.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/crypto/node_key.h"
#include "core/node.h"
#include "core/store/memory_store.h"
#include "simnet/adversary/adversary.h"
#include "simnet/fabric.h"
#include "simnet/inhabitant.h"
#include "simnet/tunnels.h"

namespace np2p::sim {

// What a host tells its world.
class HostEvents {
 public:
  virtual ~HostEvents() = default;
  virtual void published(RequestId request, const Status& outcome) = 0;
  virtual void accepted(NodeIndex node, const EventId& id) = 0;
  virtual std::optional<PubKey> user_of(const swarm::Key& key) = 0;  // what is stored under that key of the directory
  virtual const std::vector<swarm::PeerRef>& eclipsing() const = 0;  // the hosts that behave so
};

struct HostSettings {
  std::uint64_t seed = 0;  // of the world
  WallTime wall_start;
  Duration disk_latency{};
};

class SimHost final : public Inhabitant,
                      private Clock,
                      private Network,
                      private Timers,
                      private NodeKey,
                      private Entropy,
                      private Clients,
                      private Observer {
 public:
  SimHost(Fabric& fabric, NodeIndex index, Config config, const HostSettings& settings, Verifier& verifier,
          HostEvents& events);
  ~SimHost() override;

  // --- the process
  void start();  // boots the fabric's host too
  void stop();   // orderly
  void kill(bool power_off);
  void wipe_disk() { store_.wipe(); }
  [[nodiscard]] bool runs() const noexcept { return node_ != nullptr; }

  // Before the first start(). `address`: where others can dial it.
  void behave(Behaviour behaviour, const Address& address);
  // Its disk: what it says to be safe it loses with power that fails within this time.
  void lose_last(Duration time) { loses_ = time; }

  // --- clients
  void publish(RequestId request, const Event& event);
  QueryAnswer query(const ClientQuery& query);
  // A client that stays connected, until the process ends or the node hangs up; nothing: the node takes no more.
  std::optional<SessionId> open_session(const ClientOrigin& origin);
  void session_text(SessionId session, std::string_view text);
  void close_session(SessionId session);
  [[nodiscard]] bool has_session(SessionId session) const { return sessions_.count(session) != 0; }
  std::vector<std::string> take_told(SessionId session);  // since the last call
  // The owner's own command, as the real server's control socket has it; the node runs. False: there are too many bans.
  bool ban(const PubKey& author, bool undo);
  [[nodiscard]] NodeStatus status() const;
  [[nodiscard]] std::vector<NodeId> active_view() const { return node_ ? node_->active_view() : std::vector<NodeId>{}; }
  [[nodiscard]] std::optional<NodeId> server_of(const PubKey& user) const {
    return node_ ? node_->server_of(user) : std::nullopt;
  }
  [[nodiscard]] NodeMemory memory() const noexcept { return node_ ? node_->memory() : NodeMemory{}; }

  [[nodiscard]] Config& config() noexcept { return config_; }
  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] std::size_t store_bytes() const noexcept { return store_.bytes(); }
  [[nodiscard]] const NodeId& own_id() const { return key().id(); }  // whatever its links prove
  using Rejections = std::map<std::pair<std::string, ErrorCode>, std::uint64_t>;
  [[nodiscard]] const Rejections& rejections() const noexcept { return rejections_; }

 private:
  enum Own : std::uint8_t { wake, disk_done, tunnels_due, disk_settled };

  // Inhabitant
  [[nodiscard]] const NodeId& node_id() const noexcept override { return claimed_; }
  [[nodiscard]] std::string_view network_id() const noexcept override { return config_.network_id; }
  void link_up(const LinkInfo& info) override;
  void frame(LinkId link, const Frame& frame) override;
  void writable(LinkId link) override;
  void link_down(LinkId link, CloseReason reason) override;
  void own_event(std::uint8_t tag, std::uint64_t payload) override;

  // Clock
  [[nodiscard]] MonoTime mono() const noexcept override { return {fabric_.now()}; }
  [[nodiscard]] WallTime wall() const noexcept override { return {settings_.wall_start.ns + fabric_.now()}; }
  // Network
  LinkId dial(const Address& to) override { return fabric_.dial(index_, to); }
  std::uint16_t open_port() override { return fabric_.open_port(index_); }
  void close_port(std::uint16_t port) override { fabric_.close_port(index_, port); }
  LinkId dial_from(std::uint16_t port, const Address& to) override { return fabric_.dial_from(index_, port, to); }
  LinkId punch(std::uint16_t port, const Address& to, const NodeId& peer, MonoTime at) override {
    return fabric_.punch(index_, port, to, peer, at.ns);
  }
  LinkId tunnel(const NodeId& peer, bool outbound) override;
  void carried(LinkId tunnel, Frame record) override;
  void hold(LinkId tunnel, bool held) override;
  void send(LinkId link, Frame frame, Priority priority, Traffic traffic) override {
    if (adversary_ != nullptr && !tampered(link, frame)) return;
    if (Tunnels::is_tunnel(link)) return send_through(link, std::move(frame), priority, traffic);
    fabric_.send(index_, link, std::move(frame), traffic);
  }
  void close(LinkId link, CloseReason reason) override {
    if (Tunnels::is_tunnel(link)) return close_tunnel(link, reason);
    fabric_.close(index_, link, reason);
  }
  [[nodiscard]] std::size_t queued_bytes(LinkId link) const noexcept override {
    if (Tunnels::is_tunnel(link)) return tunnels_ ? tunnels_->queued_bytes(link) : 0;
    return fabric_.queued_bytes(index_, link);
  }
  // Timers
  void arm(Timer timer, MonoTime at) override;
  void cancel(Timer timer) override;
  // NodeKey
  [[nodiscard]] const NodeId& id() const noexcept override { return key().id(); }
  Signature sign(std::string_view tag, ByteView message) override { return key().sign(tag, message); }
  PairMac pair_mac(const NodeId& peer, ByteView message) override;
  // Entropy
  void fill(std::span<std::uint8_t> out) override;
  // Clients
  void published(RequestId request, const Status& outcome) override;
  void tell(SessionId session, std::string_view text) override;
  void hang_up(SessionId session, std::string_view reason) override;
  // Observer
  void event_accepted(const EventId& id, LinkId link) override;
  void frame_was(Traffic traffic) override { fabric_.frame_was(traffic); }
  void rejected(std::string_view what, const Error& why, LinkId link) override;

  [[nodiscard]] SecpNodeKey& key() const;
  void after_input();
  void after_tunnels();  // what came of tunnels are inputs of their own
  void send_through(LinkId tunnel, Frame frame, Priority priority, Traffic traffic);
  void close_tunnel(LinkId tunnel, CloseReason reason);
  [[nodiscard]] bool tampered(LinkId link, Frame& frame);  // false: the adversary keeps it
  void on_wake(SimTime scheduled);
  void forget_process();

  // What every input needs lies together at the front, where the fabric fetches it.
  Fabric& fabric_;
  NodeIndex index_;
  bool disk_busy_ = false;
  std::unique_ptr<Node> node_;
  Ticket committed_;
  SimTime next_wake_ = kNever;
  std::array<SimTime, static_cast<std::size_t>(Timer::count_)> timers_;
  MemoryStore store_;
  HostEvents& events_;
  Verifier& verifier_;
  const HostSettings& settings_;
  Config config_;
  NodeId claimed_;  // who it says it is where links prove nothing: the owner's key
  Rng entropy_;
  mutable std::unique_ptr<SecpNodeKey> key_;  // made when first asked for
  std::unique_ptr<Tunnels> tunnels_;          // while there are any
  SimTime tunnels_due_ = kNever;
  std::unique_ptr<Adversary> adversary_;  // null: an honest host
  Duration loses_{};
  Rejections rejections_;
  std::map<SessionId, std::vector<std::string>> sessions_;  // what each was told and has not taken
  std::uint64_t last_session_ = 0;
};

}  // namespace np2p::sim
