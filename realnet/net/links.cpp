#include "realnet/net/links.h"

#include <algorithm>

#include "realnet/clock.h"

namespace np2p::real {

namespace {

constexpr std::size_t kUnproven = 64;            // inbound connections without a proved key, in all
constexpr std::size_t kUnprovenPerAddress = 16;  // and from one address (several servers may share a NAT)
constexpr std::size_t kOpenPorts = 64;           // open_port() beyond has none to give
constexpr Duration kAcceptPause = 200ms;         // after an accept error: out of descriptors heals with time

bool same_ip(const Address& a, const Address& b) {
  return a.ip == b.ip;
}

}  // namespace

Links::Links(asio::io_context& io, LinkInputs& inputs, LinkSettings settings)
    : io_(io), inputs_(inputs), settings_(std::move(settings)) {}

Links::~Links() {
  drop_all();
}

const TlsContext* Links::tls() {
  if (!tls_) {
    auto made = TlsContext::for_links();
    if (!made.ok()) return nullptr;
    tls_ = std::move(made).value();
  }
  return &*tls_;
}

std::shared_ptr<Link> Links::make_link() {
  const TlsContext* context = tls();
  const LinkId id{++last_id_};
  if (context == nullptr) return nullptr;
  auto link = std::make_shared<Link>(io_, id, static_cast<LinkOwner&>(*this), settings_, *context);
  links_.emplace(id, link);
  return link;
}

void Links::Door::close() {
  closed = true;
  SocketError ignored;
  acceptor.close(ignored);
  pause.cancel();
}

void Links::serve(tcp::acceptor acceptor) {
  SocketError ignored;
  listen_ = to_address(acceptor.local_endpoint(ignored));
  door_ = std::make_shared<Door>(Door{std::move(acceptor), asio::steady_timer(io_), listen_.port});
  open_door(door_);
}

void Links::open_door(std::shared_ptr<Door> door) {
  asio::co_spawn(
      io_, [this, door = std::move(door)] { return accept_loop(door); },
      [](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
      });
}

void Links::close_doors() {
  if (door_) door_->close();
  for (const auto& [port, door] : ports_) door->close();
  ports_.clear();
}

asio::awaitable<void> Links::accept_loop(std::shared_ptr<Door> door) {
  for (;;) {
    SocketError failure;
    tcp::socket socket = co_await door->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (door->closed) co_return;
    if (failure) {
      ++counters_.accept_errors;
      SocketError ignored;
      door->pause.expires_after(kAcceptPause);
      co_await door->pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      if (door->closed) co_return;
      continue;
    }
    const Address remote = to_address(socket.remote_endpoint(failure));
    if (failure) continue;  // gone already
    const auto link = admit(remote) ? make_link() : nullptr;
    if (link == nullptr) {
      ++counters_.refused;
      inputs_.on_link_rejected(remote, error(ErrorCode::full, "too many connections"));
      continue;
    }
    ++counters_.accepted;
    link->accept(std::move(socket), path_from(door->port, remote));
  }
}

// What comes from where we punch to belongs to that punch: the other side's SYN was first, or alone got through.
Path Links::path_from(std::uint16_t port, const Address& remote) const {
  const MonoTime now = mono_now();
  const bool punched = std::any_of(punched_to_.begin(), punched_to_.end(), [&](const PunchedTo& punch) {
    return punch.from == port && same_ip(punch.to, remote) && now < punch.until;
  });
  return punched ? Path::punched : Path::direct;
}

bool Links::admit(const Address& remote) const {
  if (links_.size() >= settings_.limits.links) return false;
  std::size_t unproven = 0;
  std::size_t from_there = 0;
  for (const auto& [id, link] : links_) {
    if (link->proven() || link->asked_for()) continue;
    ++unproven;
    if (same_ip(link->info().remote, remote)) ++from_there;
  }
  return unproven < kUnproven && (from_there < kUnprovenPerAddress || remote.is_loopback());
}

void Links::ended_later(LinkId link, CloseReason reason) {
  asio::post(io_, [this, link, reason] {
    if (!stopping_) inputs_.on_link_down(link, reason);
  });
}

template <class Begin>
LinkId Links::begin(Begin&& begin) {
  ++counters_.dialled;
  if (stopping_ || links_.size() >= settings_.limits.links) {
    const LinkId id{++last_id_};
    ended_later(id, stopping_ ? CloseReason::shutting_down : CloseReason::crowded);
    return id;
  }
  const auto link = make_link();
  if (link == nullptr) {
    ended_later(LinkId{last_id_}, CloseReason::refused);
    return LinkId{last_id_};
  }
  begin(*link);
  return link->id();
}

LinkId Links::dial(const Address& to) {
  return begin([&](Link& link) { link.dial(to); });
}

LinkId Links::dial_from(std::uint16_t port, const Address& to) {
  return begin([&](Link& link) { link.dial(to, local(port, to)); });
}

LinkId Links::punch(std::uint16_t port, const Address& to, const NodeId& peer, MonoTime at) {
  const MonoTime now = mono_now();
  std::erase_if(punched_to_, [now](const PunchedTo& punch) { return punch.until <= now; });
  if (punched_to_.size() >= settings_.limits.links) punched_to_.pop_front();
  constexpr Duration kLate = 5s;  // an accepted connection may wait in the kernel while the machine is busy
  punched_to_.push_back({port, to, std::max(at, now) + kPunchTime + kLate});
  return begin([&](Link& link) { link.punch(local(port, to), to, peer, at); });
}

LinkId Links::tunnel(const NodeId& peer, bool outbound) {
  return begin([&](Link& link) { link.tunnel(peer, outbound); });
}

void Links::carried(LinkId tunnel, Frame record) {
  const auto at = links_.find(tunnel);
  if (at != links_.end()) at->second->carried(record.view());
}

void Links::hold(LinkId tunnel, bool held) {
  const auto at = links_.find(tunnel);
  if (at == links_.end()) return;
  at->second->hold(held);
  dirty_.push_back(tunnel);
}

// On the host that we listen on, so that loopback stays loopback and a chosen address stays that one.
std::uint16_t Links::open_port() {
  if (stopping_ || ports_.size() >= kOpenPorts) return 0;
  Address any = door_ ? listen_ : Address::v4(0, 0);
  any.port = 0;
  auto acceptor = listen_on(io_, any, PortUse::shared);
  if (!acceptor.ok()) return 0;
  SocketError failure;
  const std::uint16_t port = acceptor->local_endpoint(failure).port();
  if (failure) return 0;
  const auto door = std::make_shared<Door>(Door{std::move(acceptor).value(), asio::steady_timer(io_), port});
  ports_.emplace(port, door);
  open_door(door);
  return port;
}

void Links::close_port(std::uint16_t port) {
  const auto at = ports_.find(port);
  if (at == ports_.end()) return;
  at->second->close();
  ports_.erase(at);
}

Address Links::local(std::uint16_t port, const Address& to) const {
  Address local = to.is_v4() ? Address::v4(0, 0) : Address{};
  if (door_ && listen_.is_v4() == to.is_v4()) local = listen_;
  local.port = port;
  return local;
}

void Links::send(LinkId id, Frame frame, Priority priority, Traffic traffic) {
  const auto at = links_.find(id);
  if (at == links_.end() || !at->second->proven()) return;
  Link& link = *at->second;
  if (link.choked()) return;  // ended by the next pump()
  if (link.info().path != Path::tunnel) {
    const auto kind = static_cast<std::size_t>(traffic);
    counters_.frame_bytes_out[kind] += frame.size();
    ++counters_.frames_out[kind];
  }
  link.send(std::move(frame), priority, traffic);
  if (dirty_.empty() || dirty_.back() != id) dirty_.push_back(id);
}

void Links::pump() {
  const auto dirty = std::move(dirty_);
  dirty_.clear();
  for (const LinkId id : dirty) {
    const auto at = links_.find(id);
    if (at == links_.end()) continue;
    const auto link = at->second;
    link->pump();
    if (!link->choked()) continue;
    ++counters_.slow_readers;
    const Address remote = link->info().remote;
    links_.erase(id);
    link->drop();
    inputs_.on_link_rejected(remote, error(ErrorCode::rate_limited, "does not read what it is sent"));
    ended_later(id, CloseReason::timed_out);
  }
}

void Links::close(LinkId id, CloseReason reason) {
  const auto at = links_.find(id);
  if (at == links_.end()) return;
  const auto link = at->second;
  links_.erase(at);
  closing_.emplace(id, link);
  link->close(reason);
}

void Links::stop(std::function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  close_doors();
  while (!links_.empty()) close(links_.begin()->first, CloseReason::shutting_down);
  if (closing_.empty() && stopped_) asio::post(io_, std::exchange(stopped_, nullptr));
}

void Links::drop_all() {
  stopping_ = true;
  close_doors();
  const auto open = std::move(links_);
  const auto closing = std::move(closing_);
  links_.clear();
  closing_.clear();
  for (const auto& [id, link] : open) link->drop();
  for (const auto& [id, link] : closing) link->drop();
}

std::size_t Links::queued_bytes(LinkId id) const noexcept {
  const auto at = links_.find(id);
  return at == links_.end() ? 0 : at->second->queued_bytes();
}

std::optional<Address> Links::remote(LinkId id) const {
  const auto at = links_.find(id);
  if (at == links_.end()) return std::nullopt;
  return at->second->info().remote;
}

bool Links::is_tunnel(LinkId link) const {
  const auto at = links_.find(link);
  return at != links_.end() && at->second->info().path == Path::tunnel;
}

LinkCounters Links::counters() const {
  LinkCounters total = counters_;
  for (const auto* group : {&links_, &closing_}) {
    for (const auto& [id, link] : *group) {
      total.wire_bytes_in += link->wire_bytes_in();
      total.wire_bytes_out += link->wire_bytes_out();
    }
  }
  return total;
}

void Links::link_proven(Link& link) {
  inputs_.on_link_up(link.info());
}

void Links::link_message(Link& link, const Message& message) {
  inputs_.on_frame(link.id(), Frame(message.bytes), message.traffic);
}

void Links::link_drained(Link& link) {
  inputs_.on_writable(link.id());
}

void Links::link_ended(Link& link, CloseReason reason) {
  // An inbound connection that proved nothing was never a link to the node.
  const bool known = link.proven() || link.asked_for();
  const LinkId id = link.id();
  const auto at = links_.find(id);
  if (at == links_.end()) return;
  closing_.emplace(id, at->second);
  links_.erase(at);
  if (known && !stopping_ && !link.proven()) inputs_.on_unreachable(link.info().remote, reason);
  if (known && !stopping_) inputs_.on_link_down(id, reason);
}

void Links::link_rejected(Link& link, const Error& why) {
  inputs_.on_link_rejected(link.info().remote, why);
}

void Links::link_record(Link& link, const Frame& record, Traffic traffic) {
  ++counters_.tunnel_records_out;
  inputs_.on_carry(link.id(), record, traffic);
}

void Links::link_gone(Link& link) {
  counters_.wire_bytes_in += link.wire_bytes_in();
  counters_.wire_bytes_out += link.wire_bytes_out();
  closing_.erase(link.id());
  if (stopping_ && links_.empty() && closing_.empty() && stopped_) {
    asio::post(io_, std::exchange(stopped_, nullptr));
  }
}

}  // namespace np2p::real
