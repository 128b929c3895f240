// Port Network: all links of one node, who may open one, and what they become as inputs. Connections come to the listen
// port and to the open ports; those that have not proved a node key are few per address and in all, so that strangers
// cannot take the places of peers.
#pragma once

#include "realnet/net/asio.h"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/host/network.h"
#include "realnet/net/link.h"

namespace np2p::real {

// The inputs of a node that come of links; the host passes them on, one at a time.
class LinkInputs {
 public:
  virtual ~LinkInputs() = default;
  virtual void on_link_up(const LinkInfo& info) = 0;
  virtual void on_frame(LinkId link, const Frame& frame, Traffic traffic) = 0;
  virtual void on_writable(LinkId link) = 0;
  virtual void on_link_down(LinkId link, CloseReason reason) = 0;
  virtual void on_carry(LinkId tunnel, const Frame& record, Traffic traffic) = 0;  // to the tunnel's other end
  virtual void on_link_rejected(const Address& remote, const Error& why) = 0;
  // A dial that led to no link; on_link_down follows. Only somebody who keeps a log cares.
  virtual void on_unreachable(const Address& /*to*/, CloseReason /*reason*/) {}
};

// A frame in a tunnel is counted as what carries it, at both ends, and not again; so are its wire bytes.
struct LinkCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  // over a limit, before TLS
  std::uint64_t dialled = 0;
  std::uint64_t accept_errors = 0;
  std::uint64_t slow_readers = 0;
  std::uint64_t tunnel_records_out = 0;
  std::uint64_t wire_bytes_in = 0;  // TLS records and handshakes, without TCP and IP
  std::uint64_t wire_bytes_out = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Traffic::count_)> frame_bytes_out{};
  std::array<std::uint64_t, static_cast<std::size_t>(Traffic::count_)> frames_out{};
};

class Links final : public Network, private LinkOwner {
 public:
  Links(asio::io_context& io, LinkInputs& inputs, LinkSettings settings);
  ~Links() override;

  // Starts to take connections on this acceptor.
  void serve(tcp::acceptor acceptor);  // once
  // After each input: links that got something to send start to send it, many frames in one write.
  void pump();
  // No new connections, either way; links that are open get a BYE. `done` when all sockets are closed.
  void stop(std::function<void()> done);
  void drop_all();

  LinkId dial(const Address& to) override;
  std::uint16_t open_port() override;
  void close_port(std::uint16_t port) override;
  LinkId dial_from(std::uint16_t port, const Address& to) override;
  LinkId punch(std::uint16_t port, const Address& to, const NodeId& peer, MonoTime at) override;
  LinkId tunnel(const NodeId& peer, bool outbound) override;
  void carried(LinkId tunnel, Frame record) override;
  void hold(LinkId tunnel, bool held) override;
  void send(LinkId link, Frame frame, Priority priority, Traffic traffic) override;
  void close(LinkId link, CloseReason reason) override;
  [[nodiscard]] std::size_t queued_bytes(LinkId link) const noexcept override;

  [[nodiscard]] std::optional<Address> remote(LinkId link) const;
  [[nodiscard]] bool is_tunnel(LinkId link) const;
  [[nodiscard]] LinkCounters counters() const;
  [[nodiscard]] std::size_t open_count() const noexcept { return links_.size(); }

 private:
  // A place where connections come in.
  struct Door {
    tcp::acceptor acceptor;
    asio::steady_timer pause;  // after an accept error
    std::uint16_t port;
    bool closed = false;
    void close();
  };
  void open_door(std::shared_ptr<Door> door);
  asio::awaitable<void> accept_loop(std::shared_ptr<Door> door);
  void close_doors();
  bool admit(const Address& remote) const;
  Path path_from(std::uint16_t port, const Address& remote) const;
  Address local(std::uint16_t port, const Address& to) const;
  template <class Begin>
  LinkId begin(Begin&& begin);
  void ended_later(LinkId link, CloseReason reason);
  std::shared_ptr<Link> make_link();
  const TlsContext* tls();

  void link_proven(Link& link) override;
  void link_message(Link& link, const Message& message) override;
  void link_drained(Link& link) override;
  void link_ended(Link& link, CloseReason reason) override;
  void link_rejected(Link& link, const Error& why) override;
  void link_record(Link& link, const Frame& record, Traffic traffic) override;
  void link_gone(Link& link) override;

  asio::io_context& io_;
  LinkInputs& inputs_;
  const LinkSettings settings_;
  std::optional<TlsContext> tls_;                         // made for the first link
  Address listen_;                                        // unspecified: does not listen
  std::shared_ptr<Door> door_;                            // of the listen port
  std::map<std::uint16_t, std::shared_ptr<Door>> ports_;  // open ports
  // Where punches go or went within their time. Longer than the link that punches: when the other side's SYN was first,
  // our own ends as a duplicate, maybe before we have taken the connection that came.
  struct PunchedTo {
    std::uint16_t from;
    Address to;
    MonoTime until;
  };
  std::deque<PunchedTo> punched_to_;
  std::map<LinkId, std::shared_ptr<Link>> links_;    // the node knows these, or will
  std::map<LinkId, std::shared_ptr<Link>> closing_;  // the node has closed these; last words are under way
  std::vector<LinkId> dirty_;                        // got frames since the last pump()
  std::uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::function<void()> stopped_;
  LinkCounters counters_;
};

}  // namespace np2p::real
