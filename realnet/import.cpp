#include "realnet/import.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "core/crypto/verifier.h"
#include "core/event/expiry.h"
#include "core/event/json.h"
#include "core/event/references.h"
#include "core/event/validation.h"
#include "core/feed/bans.h"
#include "core/feed/deletions.h"

namespace np2p::real {

namespace {

constexpr std::size_t kBatchBytes = 256 * 1024;
constexpr std::size_t kCommitEvents = 5000;
constexpr Duration kPause = 100ms;           // of a pipe, after which what has come is taken in
constexpr std::size_t kKnownAuthors = 4096;  // a power of two

// What a thread has made of one line.
struct Checked {
  std::uint64_t line = 0;
  EventPtr event;      // null: refused
  std::string reason;  // why
};

struct Batch {
  std::string text;  // whole lines
  std::uint64_t first_line = 1;
  std::vector<Checked> checked;
  bool done = false;
};

class Lines {
 public:
  Lines(int file, std::size_t longest) : file_(file), longest_(longest) {}

  // The next lines, some 256 KiB of them, or what has come of a pipe that pauses; empty at the end. A line that is too
  // long comes cut, so that it is refused.
  Result<std::string> next(const std::atomic<bool>* stop) {
    std::string text = std::exchange(rest_, {});
    while (!ended_ && (stop == nullptr || !stop->load())) {
      if (const auto end = text.rfind('\n'); end != std::string::npos && text.size() >= kBatchBytes) {
        rest_ = text.substr(end + 1);
        text.resize(end + 1);
        return text;
      }
      if (const auto end = text.rfind('\n'); end != std::string::npos && !ready(kPause)) {
        rest_ = text.substr(end + 1);
        text.resize(end + 1);
        return text;
      }
      const std::size_t before = text.size();
      text.resize(before + kBatchBytes);
      const ssize_t got = ::read(file_, text.data() + before, kBatchBytes);
      text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && errno != EINTR)
        return error(ErrorCode::unavailable, std::string("cannot read: ") + std::strerror(errno));
      if (got == 0) ended_ = true;
      if (got > 0) bytes_ += static_cast<std::uint64_t>(got);
      shorten(text, before);
    }
    if (stop != nullptr && stop->load()) text.clear();
    return text;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  // Something can be read, or the end, within that time.
  [[nodiscard]] bool ready(Duration within) const {
    pollfd input{file_, POLLIN, 0};
    return ended_ || ::poll(&input, 1, static_cast<int>(within / 1ms)) != 0;
  }

 private:
  // Of the last line, which has no end yet, no more is kept than shows that it is too long.
  void shorten(std::string& text, std::size_t before) {
    const auto last = text.rfind('\n');
    const std::size_t begin = last == std::string::npos ? 0 : last + 1;
    if (text.size() - begin > longest_ + kBatchBytes && begin <= before) text.resize(begin + longest_ + 1);
  }
  int file_;
  std::size_t longest_;
  std::string rest_;
  bool ended_ = false;
  std::uint64_t bytes_ = 0;
};

class Checker {
 public:
  Checker(const ImportSettings& settings) : settings_(settings) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const unsigned count = settings.threads > 0 ? settings.threads : cores;
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Checker() {
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  void add(std::string text, std::uint64_t first_line) {
    auto batch = std::make_shared<Batch>();
    batch->text = std::move(text);
    batch->first_line = first_line;
    order_.push_back(batch);
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(batch));
    }
    wake_.notify_one();
  }
  [[nodiscard]] bool full() const noexcept { return order_.size() >= 2 * threads_.size() + 2; }
  [[nodiscard]] bool empty() const noexcept { return order_.empty(); }
  // The oldest batch, in the order of the file.
  std::vector<Checked> take() {
    const auto batch = order_.front();
    order_.pop_front();
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return batch->done; });
    return std::move(batch->checked);
  }

 private:
  void work() {
    SecpVerifier verifier(kKnownAuthors);
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return quit_ || !waiting_.empty(); });
      if (quit_) return;
      const auto batch = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      check(*batch, verifier);
      lock.lock();
      batch->done = true;
      finished_.notify_all();
    }
  }
  void check(Batch& batch, SecpVerifier& verifier) const {
    std::uint64_t number = batch.first_line;
    std::string_view text = batch.text;
    for (; !text.empty(); ++number) {
      const auto end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
      Checked& checked = batch.checked.emplace_back();
      checked.line = number;
      auto valid = validate(line, verifier);
      if (valid.ok()) {
        checked.event = std::move(valid).value();
      } else {
        checked.reason = valid.error().reason;
      }
    }
    std::string().swap(batch.text);
  }
  Result<EventPtr> validate(std::string_view line, SecpVerifier& verifier) const {
    auto written = parse_written_event(line, settings_.limits);
    if (!written.ok()) return written.error();
    Event* event = &written->event;
    const std::int64_t latest = settings_.now + settings_.limits.future_tolerance / 1s;
    if (event->created_at > latest) return error(ErrorCode::bad_time, "created_at lies in the future");
    if (kind::class_of(event->kind) == kind::Class::ephemeral) {
      return error(ErrorCode::bad_kind, "events of this kind are not stored");
    }
    if (has_expired(*event, settings_.now)) return error(ErrorCode::bad_time, "it has expired");
    return ValidationGate::validate(std::move(*event), settings_.limits, verifier, written->text);
  }

  const ImportSettings& settings_;
  std::deque<std::shared_ptr<Batch>> order_;  // of the caller alone
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::deque<std::shared_ptr<Batch>> waiting_;  // guarded by mutex_, with all `done`
  bool quit_ = false;                           // guarded by mutex_
  std::vector<std::thread> threads_;
};

// Puts events into the store as the feed would.
class Writer {
 public:
  Writer(SqliteStore& store, const ImportSettings& settings, const ImportHooks& hooks)
      : store_(store), settings_(settings), hooks_(hooks), evicted_before_(store.stats().evicted) {
    store_.each_value(Table::banned, [&](std::string_view, std::string_view) { any_ban_ = true; });
    Filter deletions;
    deletions.kinds = {kind::deletion};
    for (const Stamp& stamp : store_.stamps(deletions, store_.stats().events)) {
      if (const EventPtr event = store_.get(stamp.id)) deleters_.insert(event->pubkey);
    }
  }

  Status write(const std::vector<Checked>& batch) {
    for (const Checked& checked : batch) {
      ++counts.lines;
      const std::string reason = checked.event ? put(checked.event) : checked.reason;
      if (reason.empty()) continue;
      if (store_.damaged() || !store_.healthy()) return error(ErrorCode::unavailable, store_.trouble());
      ++counts.refused;
      ++counts.reasons[reason];
      if (hooks_.refused) hooks_.refused(checked.line, reason);
    }
    counts.evicted = store_.stats().evicted - evicted_before_;
    return since_commit_ >= kCommitEvents ? commit() : Status{};
  }
  Status commit() {
    since_commit_ = 0;
    store_.flush();
    const auto ticket = store_.commit();
    if (!ticket.ok()) return ticket.error();
    if (Status status = store_.sync(); !status.ok()) return status;
    store_.mark_durable(*ticket);
    return {};
  }
  ImportCounts counts;

 private:
  // Why it is refused; empty if it is there now.
  std::string put(const EventPtr& event) {
    if (any_ban_ && is_banned(event.get(), store_)) return "it, or its author, is banned here";
    if (deleters_.count(event->pubkey) != 0 && deletion_of(event.get(), store_)) return "it has been deleted";
    switch (store_.put(event)) {
      case PutOutcome::stored:
        ++counts.stored;
        ++since_commit_;
        stored(event);
        return {};
      case PutOutcome::duplicate:
      case PutOutcome::superseded:
        ++counts.duplicates;
        return {};
      case PutOutcome::trouble:
        return "the disk fails";
      case PutOutcome::refused:
        break;
    }
    return "the store has no room for it (see [retention] in the configuration)";
  }
  void stored(const EventPtr& event) {
    if (event->kind == kind::deletion) {
      deleters_.insert(event->pubkey);
      for (const EventPtr& gone : deleted_by(event.get(), store_)) store_.erase(EventId(gone->id));
    }
    // Whom the owner follows has other room than strangers; the server would only know at its next start.
    if (event->kind != kind::follow_list || event->pubkey != settings_.owner) return;
    for (std::size_t i = 0; i < event->tags.size(); ++i) {
      if (event->tags[i].name() != "p") continue;
      const auto followed = PubKey::parse_hex(event->tags[i].first());
      if (followed && store_.standing(*followed) < Standing::followed)
        store_.set_standing(*followed, Standing::followed);
    }
  }

  SqliteStore& store_;
  const ImportSettings& settings_;
  const ImportHooks& hooks_;
  const std::uint64_t evicted_before_;
  bool any_ban_ = false;
  std::set<PubKey> deleters_;  // who has deleted anything
  std::size_t since_commit_ = 0;
};

}  // namespace

Result<ImportCounts> import_events(int file, SqliteStore& store, const ImportSettings& settings,
                                   const ImportHooks& hooks) {
  Lines lines(file, settings.limits.client.message_bytes);
  Writer writer(store, settings, hooks);
  Checker checker(settings);
  std::uint64_t next_line = 1;
  bool ended = false;
  while (!ended || !checker.empty()) {
    while (!ended && !checker.full() && (checker.empty() || lines.ready({}))) {
      if (checker.empty() && !lines.ready(kPause)) {
        if (Status status = writer.commit(); !status.ok()) return status.error();
      }
      auto text = lines.next(hooks.stop);
      if (!text.ok()) {
        if (Status status = writer.commit(); !status.ok()) return status.error();
        return text.error();
      }
      ended = text->empty();
      if (ended) break;
      const auto count = static_cast<std::uint64_t>(std::count(text->begin(), text->end(), '\n'));
      checker.add(std::move(text).value(), next_line);
      next_line += count;
    }
    if (checker.empty()) break;
    if (Status status = writer.write(checker.take()); !status.ok()) return status.error();
    writer.counts.bytes = lines.bytes();
    if (hooks.progress) hooks.progress(writer.counts);
    if (hooks.stop != nullptr && hooks.stop->load()) break;
  }
  if (Status status = writer.commit(); !status.ok()) return status.error();
  return std::move(writer.counts);
}

}  // namespace np2p::real
