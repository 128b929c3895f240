#include "realnet/committer.h"

#include <algorithm>
#include <utility>

#include "realnet/clock.h"

namespace np2p::real {

namespace {

constexpr Duration kFirstPause = 50ms;
constexpr Duration kLongestPause = 5s;
constexpr Duration kPatience = 700ms;  // a few attempts: what passes by itself is nobody's business

}  // namespace

Committer::Committer(asio::io_context& io, SqliteStore& store, Durable durable, Trouble trouble)
    : io_(io),
      store_(store),
      durable_(std::move(durable)),
      trouble_(std::move(trouble)),
      retry_(io),
      pause_(kFirstPause),
      thread_([this] { work(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return quit_ || job_.has_value(); });
    if (!job_) return;
    const Ticket ticket = *job_;
    job_.reset();
    lock.unlock();
    Status status = store_.sync();
    asio::post(io_, [this, ticket, status = std::move(status)] { synced(ticket, status); });
    lock.lock();
  }
}

void Committer::pump() {
  if (busy_ || store_.requested() <= store_.durable()) return;
  const std::uint64_t batch = store_.requested().value - store_.durable().value;
  if (2 * batch >= before_last_ + last_) {
    commit();
  } else if (!std::exchange(waiting_, true)) {
    asio::post(io_, [this] {
      waiting_ = false;
      if (!busy_ && store_.requested() > store_.durable()) commit();
    });
  }
}

void Committer::commit() {
  before_last_ = std::exchange(last_, store_.requested().value - store_.durable().value);
  const auto ticket = store_.commit();
  if (!ticket.ok()) {
    fail(ticket.error().reason);
    return;
  }
  if (*ticket <= store_.durable()) return;
  busy_ = true;
  {
    const std::lock_guard lock(mutex_);
    job_ = *ticket;
  }
  wake_.notify_one();
}

void Committer::synced(Ticket ticket, const Status& status) {
  busy_ = false;
  if (!status.ok()) {
    fail(status.error().reason);
    return;
  }
  ++syncs_;
  pause_ = kFirstPause;
  failing_since_.reset();
  store_.mark_durable(ticket);
  durable_(ticket);
  pump();
  check_finished();
}

void Committer::fail(const std::string& reason) {
  if (!failing_since_) failing_since_ = mono_now();
  trouble_(reason, mono_now() - *failing_since_ >= kPatience);
  busy_ = true;
  retry_.expires_after(pause_);
  pause_ = std::min(2 * pause_, kLongestPause);
  retry_.async_wait([this](const SocketError& cancelled) {
    if (cancelled) return;
    busy_ = false;
    pump();
    check_finished();
  });
}

void Committer::finish(std::function<void()> done) {
  finished_ = std::move(done);
  pump();
  check_finished();
}

void Committer::check_finished() {
  if (finished_ && !busy_ && store_.requested() <= store_.durable()) std::exchange(finished_, nullptr)();
}

}  // namespace np2p::real
