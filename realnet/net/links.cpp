#include "realnet/net/links.h"

#include <algorithm>

namespace np2p::real {

namespace {

constexpr std::size_t kUnproven = 64;            // inbound connections without a proved key, in all
constexpr std::size_t kUnprovenPerAddress = 16;  // and from one address (several servers may share a NAT)
constexpr Duration kAcceptPause = 200ms;         // after an accept error: out of descriptors heals with time

bool same_ip(const Address& a, const Address& b) {
  return a.ip == b.ip;
}

}  // namespace

Links::Links(asio::io_context& io, LinkInputs& inputs, LinkSettings settings)
    : io_(io), inputs_(inputs), settings_(std::move(settings)), accept_pause_(io) {}

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

void Links::serve(tcp::acceptor acceptor) {
  acceptor_ = std::move(acceptor);
  asio::co_spawn(
      io_, [this] { return accept_loop(); },
      [](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
      });
}

asio::awaitable<void> Links::accept_loop() {
  while (!stopping_) {
    SocketError failure;
    tcp::socket socket = co_await acceptor_->async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (failure == asio::error::operation_aborted || stopping_) co_return;
    if (failure) {
      ++counters_.accept_errors;
      SocketError ignored;
      accept_pause_.expires_after(kAcceptPause);
      co_await accept_pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
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
    link->accept(std::move(socket));
  }
}

bool Links::admit(const Address& remote) const {
  if (links_.size() >= settings_.limits.links) return false;
  std::size_t unproven = 0;
  std::size_t from_there = 0;
  for (const auto& [id, link] : links_) {
    if (link->proven() || link->info().outbound) continue;
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

LinkId Links::dial(const Address& to) {
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
  link->dial(to);
  return link->id();
}

void Links::send(LinkId id, Frame frame, Priority priority, Traffic traffic) {
  const auto at = links_.find(id);
  if (at == links_.end() || !at->second->proven()) return;
  Link& link = *at->second;
  if (link.choked()) return;  // ended by the next pump()
  const auto kind = static_cast<std::size_t>(traffic);
  counters_.frame_bytes_out[kind] += frame.size();
  ++counters_.frames_out[kind];
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
  SocketError ignored;
  if (acceptor_) acceptor_->close(ignored);
  accept_pause_.cancel();
  while (!links_.empty()) close(links_.begin()->first, CloseReason::shutting_down);
  if (closing_.empty() && stopped_) asio::post(io_, std::exchange(stopped_, nullptr));
}

void Links::drop_all() {
  stopping_ = true;
  SocketError ignored;
  if (acceptor_) acceptor_->close(ignored);
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
  const bool known = link.proven() || link.info().outbound;
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

void Links::link_gone(Link& link) {
  counters_.wire_bytes_in += link.wire_bytes_in();
  counters_.wire_bytes_out += link.wire_bytes_out();
  closing_.erase(link.id());
  if (stopping_ && links_.empty() && closing_.empty() && stopped_) {
    asio::post(io_, std::exchange(stopped_, nullptr));
  }
}

}  // namespace np2p::real
