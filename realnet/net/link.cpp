#include "realnet/net/link.h"

#include <algorithm>
#include <array>

#include "realnet/clock.h"
#include "realnet/net/hello.h"

namespace np2p::real {

namespace {

constexpr std::size_t kRecordBytes = kPrefixBytes + kChunkBytes;
constexpr std::size_t kBatchBytes = 32 * 1024;       // plaintext handed to the kernel at once
constexpr std::size_t kCongestedBytes = 256 * 1024;  // queued; `writable` is said when it falls below a quarter
constexpr std::size_t kKeptBytes = 4 * 1024;         // an idle link gives larger buffers back

SocketError broken_rule() {
  return boost::system::errc::make_error_code(boost::system::errc::bad_message);
}

}  // namespace

Link::Link(asio::io_context& io, LinkId id, LinkOwner& owner, const LinkSettings& settings, const TlsContext& tls)
    : id_(id),
      owner_(owner),
      settings_(settings),
      tls_context_(tls),
      io_(io),
      socket_(io),
      timer_(io),
      pause_(io),
      reader_(settings.limits) {
  info_.link = id;
}

void Link::start(Duration deadline) {
  arm_deadline(deadline);
  asio::co_spawn(
      timer_.get_executor(), [self = shared_from_this()] { return self->run(); },
      [](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
      });
}

asio::awaitable<void> Link::run() {
  const auto self = shared_from_this();
  SocketError failure;
  if (phase_ == Phase::establishing) failure = co_await establish();
  if (!failure && stream_) failure = co_await read_loop();
  if (phase_ == Phase::establishing || phase_ == Phase::up) {
    phase_ = Phase::over;
    owner_.link_ended(*this, fate_.value_or(close_reason(failure)));
  }
  shut();
}

asio::awaitable<SocketError> Link::read_loop() {
  SocketError failure;
  ByteVec plain;
  // While closing we go on reading what nobody wants any more: unread bytes would turn our BYE into a reset.
  while (!failure && (phase_ == Phase::up || phase_ == Phase::closing)) {
    plain.clear();
    if (plain.capacity() > 4 * kRecordBytes) ByteVec().swap(plain);
    failure = co_await stream_->read(plain);
    if (failure || phase_ != Phase::up) continue;
    last_read_ = mono_now();
    pong_due_ = false;
    failure = take(plain);
    give_credit();
    if (stream_->tls()->has_output()) pump();
  }
  co_return failure;
}

SocketError Link::take(ByteView plain) {
  const Status status = reader_.feed(plain, [this](const Message& message) { return on_message(message); });
  if (!status.ok()) reject(status.error());
  if (fate_) return broken_rule();
  return {};
}

bool Link::on_message(const Message& message) {
  if (message.stream == Stream::link) return on_link_message(message);
  if (!greeted_) {
    reject(error(ErrorCode::malformed, "message before the hello"));
    return false;
  }
  if (phase_ == Phase::up) owner_.link_message(*this, message);
  return phase_ == Phase::up;
}

bool Link::on_link_message(const Message& message) {
  if (message.bytes.empty()) return true;
  const ByteView content = message.bytes.subspan(1);
  switch (static_cast<LinkMessage>(message.bytes[0])) {
    case LinkMessage::hello:
      return on_hello(content);
    case LinkMessage::ping:
      if (settings_.profile.ping_is_answered && phase_ == Phase::up) {
        say(LinkMessage::pong);
        pump();
      }
      return true;
    case LinkMessage::pong:
      return true;
    case LinkMessage::bye:
      fate_ = bye_reason(content);
      return false;
    case LinkMessage::credit:
      return on_credit(content);
  }
  return true;  // a newer node may say things that we do not know
}

bool Link::on_hello(ByteView content) {
  if (greeted_) {
    reject(error(ErrorCode::malformed, "second hello"));
    return false;
  }
  const Role theirs = info_.outbound ? Role::listener : Role::dialler;
  const auto hello = check_hello(content, theirs, settings_.network_id, settings_.key.id(), stream_->tls()->exported());
  if (!hello.ok()) {
    reject(hello.error());
    return false;
  }
  if (expected_ && *expected_ != hello->node) {
    reject(error(ErrorCode::forbidden, "the peer is not the node that was asked for"));
    return false;
  }
  greeted_ = true;
  info_.peer = hello->node;
  info_.proven = true;
  phase_ = Phase::up;  // at once: frames may follow in the same read
  last_read_ = last_ping_ = mono_now();
  keep_alive();
  owner_.link_proven(*this);
  pump();
  return phase_ == Phase::up;
}

bool Link::on_credit(ByteView content) {
  if (!tunnel_ || content.size() < 4) return true;
  std::uint32_t bytes = 0;
  for (const auto byte : content.first(4)) bytes = bytes << 8 | byte;
  if (!tunnel_->credited(bytes)) {
    reject(error(ErrorCode::malformed, "credit for more than was sent"));
    return false;
  }
  pump();
  return true;
}

void Link::give_credit() {
  const std::uint32_t bytes = tunnel_ && phase_ == Phase::up ? tunnel_->credit_due() : 0;
  if (bytes == 0) return;
  std::array<std::uint8_t, 4> content{};
  for (std::size_t i = 0; i < 4; ++i) content[i] = static_cast<std::uint8_t>(bytes >> (24 - 8 * i));
  say(LinkMessage::credit, content);
  pump();
}

// Frames go out only on a proven link, and in a tunnel only within its window; before that only the link layer speaks.
bool Link::may_send_frames() const noexcept {
  return (phase_ == Phase::up || phase_ == Phase::closing) && (!tunnel_ || tunnel_->may_send());
}

void Link::reject(Error why) {
  if (fate_) return;
  fate_ = CloseReason::protocol_error;
  owner_.link_rejected(*this, why);
  const std::uint8_t code = bye_code(CloseReason::protocol_error);
  say(LinkMessage::bye, ByteView(&code, 1));
  pump();
}

void Link::say(LinkMessage type, ByteView content) {
  ByteVec bytes;
  bytes.push_back(static_cast<std::uint8_t>(type));
  bytes.insert(bytes.end(), content.begin(), content.end());
  append_message(own_messages_, Stream::link, Traffic::control, bytes);
}

void Link::send(Frame frame, Priority priority, Traffic traffic) {
  queue_.push(std::move(frame), priority, traffic);
  congested_ = congested_ || queue_.bytes() > kCongestedBytes;
}

void Link::fill() {
  TlsSession& tls = *stream_->tls();
  static thread_local ByteVec record;  // used within this call only
  std::size_t batched = 0;
  const bool frames = may_send_frames();
  Traffic most = Traffic::control;
  while (batched < kBatchBytes && (!own_messages_.empty() || (frames && !queue_.empty()))) {
    record.assign(own_messages_.begin(), own_messages_.end());
    own_messages_.clear();
    if (frames) most = queue_.fill(record, std::max(kRecordBytes, record.size()));
    batched += record.size();
    tls.write(record);
  }
  if (phase_ == Phase::closing && queue_.empty() && !farewell_.empty()) {
    record.clear();
    append_message(record, Stream::link, Traffic::control, farewell_);
    farewell_.clear();
    tls.write(record);
    tls.close();
  }
  tls.take_output(out_);
  if (tunnel_) tunnel_->says(most);
}

void Link::pump() {
  if (writing_ || !stream_ || phase_ == Phase::over) return;
  fill();
  if (out_.empty()) {
    if (phase_ == Phase::closing) finish_closing();
    return;
  }
  writing_ = true;
  bytes_out_ += out_.size();
  stream_->transport().write(out_, [self = shared_from_this()](const SocketError& failure) { self->wrote(failure); });
}

void Link::wrote(const SocketError& failure) {
  out_.clear();
  if (out_.capacity() > kKeptBytes && queue_.empty()) ByteVec().swap(out_);
  if (failure) {  // the reader notices too and tells the owner
    writing_ = false;
    if (phase_ == Phase::closing) shut();
    return;
  }
  if (congested_ && queue_.bytes() < kCongestedBytes / 4) {
    congested_ = false;
    if (phase_ == Phase::up) owner_.link_drained(*this);
  }
  if (queue_.empty() || !may_send_frames()) {
    writing_ = false;
    pump();
    return;
  }
  // More to come: wait until the kernel has little left unsent, so that what is urgent can still overtake.
  stream_->transport().when_drained([self = shared_from_this()](const SocketError& /*failure*/) {
    self->writing_ = false;
    self->pump();
  });
}

void Link::close(CloseReason reason) {
  if (phase_ == Phase::closing || phase_ == Phase::over) return;
  if (phase_ == Phase::establishing || !stream_ || tunnel_) {  // the node itself tells a tunnel's other end
    drop();
    return;
  }
  phase_ = Phase::closing;
  arm_deadline(settings_.linger);
  const std::uint8_t code = bye_code(reason);
  farewell_ = {static_cast<std::uint8_t>(LinkMessage::bye), code};  // behind the frames that are queued already
  pump();
}

void Link::drop() {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  shut();
}

void Link::finish_closing() {
  stream_->transport().end_sending();  // the reader sees the other side's end
}

void Link::arm_deadline(Duration after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](const SocketError& cancelled) {
    if (cancelled) return;
    if (!self->fate_) self->fate_ = CloseReason::timed_out;
    self->shut();
  });
}

void Link::keep_alive() {
  const LinkProfile& profile = settings_.profile;
  const MonoTime now = mono_now();
  const bool silent = profile.read_timeout > 0s && now - last_read_ > profile.read_timeout;
  const bool unanswered = pong_due_ && now - last_ping_ >= profile.pong_timeout;
  if (silent || unanswered) {
    fate_ = CloseReason::timed_out;
    shut();
    return;
  }
  const auto quiet_for = [&] {
    return now - (profile.heartbeat_always ? last_ping_ : std::max(last_read_, last_ping_));
  };
  if (quiet_for() >= profile.ping_after_nat) {
    last_ping_ = now;
    pong_due_ = profile.ping_is_answered;
    say(LinkMessage::ping);
    pump();
  }
  Duration next = pong_due_ ? profile.pong_timeout : profile.ping_after_nat - quiet_for();
  if (profile.read_timeout > 0s) next = std::min(next, profile.read_timeout - (now - last_read_) + 1ms);
  timer_.expires_after(next);
  timer_.async_wait([self = shared_from_this()](const SocketError& cancelled) {
    if (!cancelled && self->phase_ == Phase::up) self->keep_alive();
  });
}

void Link::shut() {
  timer_.cancel();
  pause_.cancel();
  SocketError ignored;
  socket_.close(ignored);
  if (stream_) stream_->transport().close();
  if (phase_ == Phase::closing) phase_ = Phase::over;
  if (phase_ == Phase::over && !gone_) {
    gone_ = true;
    owner_.link_gone(*this);
  }
}

}  // namespace np2p::real
