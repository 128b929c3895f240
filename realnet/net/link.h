// One link: a transport (TCP, or a tunnel), TLS 1.3, Hello, then messages. It owns its transport, its keepalive (by the
// LinkProfile) and its queue of frames to send; what happens to it is told to its owner. A link ends exactly once: by
// close() (its owner knows) or by LinkOwner::link_ended (everything else). How it comes up is in link_establish.cpp,
// its life after that in link.cpp.
//
// Who is the TLS client? The side that dialled; in a tunnel the side that was told so; of two sides that punch, the
// smaller NodeId. A side whose punch connected cannot see whether the other one dialled at the same moment or its
// acceptor took the SYN, and an acceptor cannot see that the other side punches. So the larger NodeId, when its punch
// has connected, sends one byte ahead, kPunchMark, which no TLS record begins with: who accepted the connection and
// reads it knows that it has to be the client, and who punched too skips it. The smaller NodeId just begins: its
// ClientHello looks the same to an acceptor and to a punching server.
#pragma once

#include "realnet/net/asio.h"

#include <memory>
#include <optional>

#include "core/base/limits.h"
#include "core/host/network.h"
#include "core/host/node_key.h"
#include "realnet/net/framing.h"
#include "realnet/net/hello.h"
#include "realnet/net/socket.h"
#include "realnet/net/tunnel.h"

namespace np2p::real {

inline constexpr std::uint8_t kPunchMark = 'p';
inline constexpr Duration kPunchTime = 7s;  // for all SYNs of a punch, from its moment on

class Link;

class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual void link_proven(Link& link) = 0;  // the Hello held: the link is up from now on
  virtual void link_message(Link& link, const Message& message) = 0;
  virtual void link_drained(Link& link) = 0;  // was congested, is not any more
  virtual void link_ended(Link& link, CloseReason reason) = 0;
  virtual void link_rejected(Link& link, const Error& why) = 0;  // the peer broke a rule; link_ended follows
  virtual void link_record(Link& link, const Frame& record, Traffic traffic) = 0;  // of a tunnel, to be carried
  // After this the link's transport is closed for good, whoever closed it.
  virtual void link_gone(Link& link) = 0;
};

struct LinkSettings {
  NodeKey& key;
  std::string network_id;
  LinkProfile profile;
  Limits limits;
  Duration dial_timeout = 10s;
  Duration handshake_deadline = 10s;  // TLS and Hello
  Duration linger = 2s;               // for the last frames and the BYE
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(asio::io_context& io, LinkId id, LinkOwner& owner, const LinkSettings& settings, const TlsContext& tls);

  // How it begins: one of these, once. `from`: leave from there, beside the acceptor on that port.
  void dial(const Address& to, const std::optional<Address>& from = {});
  void punch(const Address& from, const Address& to, const NodeId& peer, MonoTime at);
  void tunnel(const NodeId& peer, bool client);
  void accept(tcp::socket socket, Path path = Path::direct);  // punched: we punch towards there ourselves

  void carried(ByteView record);  // of a tunnel, from its other end
  void hold(bool held) noexcept;  // a tunnel: the node passes no records on; pump() when it does again

  void send(Frame frame, Priority priority, Traffic traffic);
  void pump();                     // starts a write if there is something to send and none is under way
  void close(CloseReason reason);  // sends what is queued, says BYE, closes; no link_ended follows
  void drop();                     // at once, without a word; no link_ended follows

  [[nodiscard]] LinkId id() const noexcept { return id_; }
  [[nodiscard]] const LinkInfo& info() const noexcept { return info_; }
  [[nodiscard]] bool proven() const noexcept { return info_.proven; }
  // Our node asked for it and knows its id; other links it learns of when they are proven.
  [[nodiscard]] bool asked_for() const noexcept { return origin_ != Origin::accepted; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queue_.bytes(); }
  // Over Limits::queued_bytes: a reader too slow to keep.
  [[nodiscard]] bool choked() const noexcept { return queue_.bytes() > settings_.limits.queued_bytes; }
  [[nodiscard]] std::uint64_t wire_bytes_in() const noexcept { return stream_ && !tunnel_ ? stream_->bytes_read() : 0; }
  [[nodiscard]] std::uint64_t wire_bytes_out() const noexcept { return tunnel_ ? 0 : bytes_out_; }

 private:
  enum class Phase { establishing, up, closing, over };
  enum class Origin { dialled, punched, tunnel, accepted };

  void start(Duration deadline);
  asio::awaitable<void> run();
  asio::awaitable<SocketError> establish();
  asio::awaitable<SocketError> connect();
  asio::awaitable<SocketError> connect_once();
  asio::awaitable<SocketError> connect_punching();
  asio::awaitable<SocketError> pause_until(MonoTime at);
  asio::awaitable<SocketError> settle_role();
  asio::awaitable<SocketError> take_mark(bool& there);
  asio::awaitable<SocketError> exchange_hello();
  void start_session();
  asio::awaitable<SocketError> read_loop();
  SocketError take(ByteView plain);
  bool on_message(const Message& message);  // false: stop reading
  bool on_link_message(const Message& message);
  bool on_hello(ByteView content);
  bool on_credit(ByteView content);
  void give_credit();
  [[nodiscard]] bool may_send_frames() const noexcept;
  void say(LinkMessage type, ByteView content = {});
  void reject(Error why);
  void fill();
  void wrote(const SocketError& failure);
  void finish_closing();
  void arm_deadline(Duration after);
  void keep_alive();
  void shut();

  LinkId id_;
  LinkOwner& owner_;
  const LinkSettings& settings_;
  const TlsContext& tls_context_;
  asio::io_context& io_;
  std::optional<ByteStream> stream_;
  std::shared_ptr<Tunnel> tunnel_;  // the stream's transport, if it is one
  tcp::socket socket_;              // until the stream takes it
  asio::steady_timer timer_;        // deadline while establishing or closing; keepalive while up
  asio::steady_timer pause_;        // before a SYN
  LinkInfo info_;
  Origin origin_ = Origin::accepted;
  std::optional<Address> from_;     // where a dial leaves from
  std::optional<NodeId> expected_;  // who the peer must prove to be
  MonoTime punch_at_{};
  Phase phase_ = Phase::establishing;
  std::optional<CloseReason> fate_;  // why it ends, where that is not what the socket says
  FrameReader reader_;
  SendQueue queue_;
  ByteVec farewell_;      // the BYE, for the end
  ByteVec own_messages_;  // of the link layer, framed, waiting
  ByteVec out_;           // TLS records being written
  bool writing_ = false;
  bool congested_ = false;
  bool greeted_ = false;  // the peer's Hello came
  bool gone_ = false;     // link_gone was said
  MonoTime last_read_{};
  MonoTime last_ping_{};
  bool pong_due_ = false;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace np2p::real
