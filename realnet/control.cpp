#include "realnet/control.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "core/feed/bans.h"
#include "core/store/retention.h"

namespace np2p::real {

namespace {

constexpr std::size_t kMostSessions = 8;
constexpr std::size_t kLongestRequest = 64 * 1024;  // a thousand ids
constexpr int kPagesAtOnce = 256;                   // some milliseconds
constexpr std::size_t kChunk = 64 * 1024;
constexpr auto kPatience = std::chrono::seconds(60);

std::vector<std::string> words_in(const std::string& line) {
  std::istringstream text(line);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(std::move(word));
  return words;
}

Error mistake(const std::string& what) {
  return error(ErrorCode::bad_field, what);
}

std::string error_line(const Error& why) {
  std::string reason = why.reason;
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  return "error " + reason + "\n";
}

struct OpenFile {
  int number = -1;
  ~OpenFile() {
    if (number >= 0) ::close(number);
  }
};

// "author HEX", "kind N", or both.
Result<Filter> matches_of(const std::vector<std::string>& words) {
  Filter filter;
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
    if (words[i] == "author") {
      const auto author = PubKey::parse_hex(words[i + 1]);
      if (!author) return mistake("an author is a key of 64 hex digits");
      filter.authors = {*author};
    } else if (words[i] == "kind") {
      unsigned kind = 0;
      const char* end = words[i + 1].data() + words[i + 1].size();
      const auto parsed = std::from_chars(words[i + 1].data(), end, kind);
      if (parsed.ec != std::errc{} || parsed.ptr != end || kind > 65535)
        return mistake("a kind is a number up to 65535");
      filter.kinds = {kind};
    } else {
      return mistake("nothing is known of \"" + words[i] + "\"");
    }
  }
  if (!filter.authors && !filter.kinds) return mistake("nothing is named that could be deleted");
  return filter;
}

Result<std::uint64_t> delete_from(Store& store, const PubKey& owner, const std::vector<std::string>& words) {
  const auto stays = [&](const Event& event) { return event.pubkey == owner && is_vital(event.kind); };
  if (words.size() < 3) return mistake("nothing is named that could be deleted");
  if (words[1] != "id") {
    const auto filter = matches_of(words);
    if (!filter.ok()) return filter.error();
    return static_cast<std::uint64_t>(erase_matches(*filter, store, stays));
  }
  std::vector<EventId> ids;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto id = EventId::parse_hex(words[i]);
    if (!id) return mistake("an event id has 64 hex digits");
    if (const EventPtr event = store.get(*id); event && stays(*event)) {
      return mistake("that is your own profile, follow list, relay list or BIND; publish another one instead");
    }
    ids.push_back(*id);
  }
  std::uint64_t erased = 0;
  for (const EventId& id : ids) {
    erased += store.contains(id) ? 1u : 0u;
    if (!ban(id, store)) return error(ErrorCode::full, "there are too many bans already");
  }
  return erased;
}

}  // namespace

Result<std::uint64_t> execute_on(Store& store, const PubKey& owner, const std::vector<std::string>& words) {
  const std::string verb = words.empty() ? "" : words[0];
  if (verb == "delete") return delete_from(store, owner, words);
  if (verb != "ban" && verb != "unban") return mistake("there is no command \"" + verb + "\"");
  std::uint64_t before = store.stats().events;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto key = PubKey::parse_hex(words[i]);
    if (!key) return mistake("a key has 64 hex digits");
    if (*key == owner) return mistake("that is your own key");
    if (verb == "unban") {
      unban(*key, store);
    } else if (!ban(*key, store)) {
      return error(ErrorCode::full, "there are too many bans already");
    }
  }
  return before - store.stats().events;
}

std::string control_address(int open_directory) {
  return "/proc/self/fd/" + std::to_string(open_directory) + "/control";
}

Result<std::unique_ptr<Control>> Control::open(asio::io_context& io, const std::string& data_dir, SqliteStore& store,
                                               Execute execute) {
  std::unique_ptr<Control> control(new Control(io, data_dir, store, std::move(execute)));
  const std::string path = data_dir + "/control";
  const OpenFile directory{::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  ::unlink(path.c_str());
  SocketError failure;
  control->acceptor_.open(asio::local::stream_protocol(), failure);
  const mode_t mask = ::umask(0177);
  if (!failure) control->acceptor_.bind(control_address(directory.number), failure);
  ::umask(mask);
  if (!failure) control->acceptor_.listen(4, failure);
  if (failure) return error(ErrorCode::unavailable, "cannot listen at " + path + ": " + failure.message());
  asio::co_spawn(io, control->serve(), asio::detached);
  return control;
}

Control::~Control() {
  *alive_ = false;
  stop();
  ::unlink((data_dir_ + "/control").c_str());
}

void Control::stop() {
  SocketError ignored;
  acceptor_.close(ignored);
  for (const auto& weak : open_) {
    if (const auto socket = weak.lock()) socket->close(ignored);
  }
}

asio::awaitable<void> Control::serve() {
  const auto alive = alive_;
  for (;;) {
    auto socket = std::make_shared<Socket>(io_);
    SocketError failure;
    co_await acceptor_.async_accept(*socket, asio::redirect_error(asio::use_awaitable, failure));
    if (!*alive || failure == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    std::erase_if(open_, [](const auto& weak) { return weak.expired(); });
    if (failure || open_.size() >= kMostSessions) continue;
    open_.push_back(socket);
    asio::co_spawn(io_, answer(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> Control::answer(std::shared_ptr<Socket> socket) {
  const auto alive = alive_;
  SocketError failure;
  // Whoever says nothing is sent away, so that the few places stay free.
  asio::steady_timer patience(io_, kPatience);
  patience.async_wait([weak = std::weak_ptr(socket)](const SocketError& cancelled) {
    SocketError ignored;
    if (const auto silent = weak.lock(); silent && !cancelled) silent->close(ignored);
  });
  std::string line;
  co_await asio::async_read_until(*socket, asio::dynamic_buffer(line, kLongestRequest), '\n',
                                  asio::redirect_error(asio::use_awaitable, failure));
  patience.cancel();
  if (failure || !*alive) co_return;
  const auto words = words_in(line.substr(0, line.find('\n')));
  if (!words.empty() && words[0] == "backup") {
    co_await back_up(*socket);
    co_return;
  }
  const auto done = execute_(words);
  const std::string reply = done.ok() ? "ok " + std::to_string(*done) + "\n" : error_line(done.error());
  co_await asio::async_write(*socket, asio::buffer(reply), asio::redirect_error(asio::use_awaitable, failure));
}

// The copy is a file without a name in the data directory: it is gone with the session, whatever happens.
asio::awaitable<void> Control::back_up(Socket& socket) {
  const auto alive = alive_;
  SocketError failure;
  const auto say = [&](const std::string& text) {
    return asio::async_write(socket, asio::buffer(text), asio::redirect_error(asio::use_awaitable, failure));
  };
  std::string text;
  if (backing_up_) {
    text = "error another backup is under way\n";
    co_await say(text);
    co_return;
  }
  backing_up_ = true;
  const std::string path = data_dir_ + "/backup.tmp";
  ::unlink(path.c_str());
  const OpenFile file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  auto started = file.number < 0
                     ? Result<std::unique_ptr<SqliteBackup>>(error(ErrorCode::unavailable, "cannot create " + path))
                     : SqliteBackup::start(store_, path);
  ::unlink(path.c_str());
  text = started.ok() ? "" : error_line(started.error());
  if (started.ok()) backup_ = std::move(started).value();
  for (int said = -1; text.empty() && !failure;) {
    const auto whole = backup_->step(kPagesAtOnce);
    if (!whole.ok()) text = error_line(whole.error());
    if (!whole.ok() || *whole) break;
    const int percent = static_cast<int>(std::int64_t{100} * backup_->copied() / std::max(1, backup_->pages()));
    if (percent != said) {
      text = "progress " + std::to_string(backup_->copied()) + " " + std::to_string(backup_->pages()) + "\n";
      co_await say(text);
      said = percent;
    } else {
      co_await asio::post(io_, asio::use_awaitable);  // others first
    }
    if (!*alive) co_return;
    text.clear();
  }
  backup_.reset();
  struct stat about {};
  if (text.empty() && !failure && ::fstat(file.number, &about) == 0) {
    text = "ok " + std::to_string(about.st_size) + "\n";
    co_await say(text);
    std::vector<char> chunk(kChunk);
    for (off_t at = 0; at < about.st_size && !failure && *alive;) {
      const ssize_t got = ::pread(file.number, chunk.data(), chunk.size(), at);
      if (got <= 0) break;
      at += got;
      co_await asio::async_write(socket, asio::buffer(chunk.data(), static_cast<std::size_t>(got)),
                                 asio::redirect_error(asio::use_awaitable, failure));
    }
  } else if (!failure) {
    co_await say(text);
  }
  if (*alive) backing_up_ = false;
}

}  // namespace np2p::real
