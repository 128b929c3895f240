#include "realnet/cli/own_data.h"

#include "realnet/net/asio.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/event/nip19.h"
#include "realnet/cli/limit_keys.h"
#include "realnet/cli/server_options.h"
#include "realnet/clock.h"
#include "realnet/control.h"
#include "realnet/upgrade.h"

namespace np2p::real {

namespace {

constexpr std::int64_t kBarEveryMs = 100;
constexpr std::int64_t kLineEveryMs = 10'000;
constexpr int kBarWidth = 30;

struct OpenFile {
  int number = -1;
  ~OpenFile() {
    if (number >= 0) ::close(number);
  }
};

Error unavailable(const std::string& what) {
  return error(ErrorCode::unavailable, what);
}

Status claim(OwnData& data, const std::optional<PubKey>& named) {
  const auto known = PubKey::from(bytes_of(data.store->value(Table::node, "owner")));
  if (known && named && *known != *named) {
    return unavailable("the database in " + data.directory->path() + " belongs to " + npub(*known));
  }
  if (!known && !named) {
    return error(ErrorCode::bad_field,
                 "The data directory " + data.directory->path() + " is new: say with -p whose it is");
  }
  data.owner = known ? *known : *named;
  if (known) return {};
  data.store->set_value(Table::node, "owner", text_of(data.owner.view()));
  data.store->set_standing(data.owner, Standing::owner);
  return {};
}

}  // namespace

Result<DataPlace> find_data(const DataFlags& flags) {
  ServerFlags server;
  server.data_dir = flags.data_dir;
  server.public_key = flags.public_key;
  if (flags.config) {
    if (Status status = read_config_file(*flags.config, server); !status.ok()) return status.error();
  }
  DataPlace place;
  if (server.public_key) {
    const auto owner = parse_public_key(*server.public_key);
    if (!owner.ok()) return error(ErrorCode::bad_field, "-p: " + owner.error().reason);
    place.owner = *owner;
  }
  auto writers = named_writers(server);
  if (!writers.ok()) return writers.error();
  place.writers = std::move(writers).value();
  if (Status status = apply_retention(server, place.limits); !status.ok()) return status.error();
  HttpLimits http;
  if (Status status = apply_limits(server, place.limits, http); !status.ok()) return status.error();
  if (server.data_dir) {
    place.path = *server.data_dir;
  } else if (place.owner) {
    place.path = DataDir::default_path(*place.owner);
  }
  if (!place.path.empty()) return place;
  return error(ErrorCode::bad_field,
               "Say which data directory: --data-dir DIR, or -p KEY or --config FILE as the server has it");
}

bool is_served(const std::string& path) {
  const OpenFile lock{::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC)};
  return lock.number >= 0 && ::flock(lock.number, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<OwnData> open_data(const DataFlags& flags, bool make) {
  auto place = find_data(flags);
  if (!place.ok()) return place.error();
  std::error_code ignored;
  const bool there = std::filesystem::exists(place->path + "/nostrp2p.db", ignored);
  if (!there && !make) return unavailable("there is no database in " + place->path);
  if (is_served(place->path)) {
    return unavailable("a server runs on " + place->path + ": stop it first");
  }
  OwnData data;
  data.limits = place->limits;
  auto directory = DataDir::open(place->path);
  if (!directory.ok()) return directory.error();
  data.directory = std::move(directory).value();
  const auto kept = keep_before_upgrade(data.directory->database());
  if (!kept.ok()) return kept.error();
  if (!kept->empty()) std::fprintf(stderr, "nostrp2p: %s\n", kept->c_str());
  auto store = SqliteStore::open(data.directory->database(), data.limits);
  if (!store.ok()) return store.error();
  data.store = std::move(store).value();
  if (!data.store->note().empty()) std::fprintf(stderr, "nostrp2p: %s\n", data.store->note().c_str());
  if (Status status = claim(data, place->owner); !status.ok()) return status.error();
  for (const PubKey& writer : place->writers) data.store->set_standing(writer, Standing::owner);
  return data;
}

Result<ControlAnswer> control_call(const std::string& path, const std::vector<std::string>& words,
                                   const std::function<void(std::uint64_t, std::uint64_t)>& progress,
                                   const std::function<Status(std::string_view)>& body) {
  const OpenFile directory{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const OpenFile socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = control_address(directory.number);
  std::memcpy(static_cast<void*>(address.sun_path), name.c_str(), name.size() + 1);
  const std::string who = "the server that runs on " + path;
  if (::connect(socket.number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return unavailable(who + " cannot be spoken to (" + std::strerror(errno) + ")");
  }
  std::string request;
  for (const auto& word : words) request += word + " ";
  request += "\n";
  if (::send(socket.number, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    return unavailable(who + " does not take the request");
  }
  std::string in;
  std::array<char, 65536> buffer{};
  const auto more = [&] {
    const ssize_t got = ::recv(socket.number, buffer.data(), buffer.size(), 0);
    if (got > 0) in.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  for (;;) {
    const auto end = in.find('\n');
    if (end == std::string::npos) {
      if (!more()) return unavailable(who + " ended before it had answered");
      continue;
    }
    const std::string line = in.substr(0, end);
    in.erase(0, end + 1);
    unsigned long long first = 0;
    unsigned long long second = 0;
    if (std::sscanf(line.c_str(), "progress %llu %llu", &first, &second) == 2) {
      if (progress) progress(first, second);
      continue;
    }
    if (line.rfind("error ", 0) == 0) return unavailable(line.substr(6));
    if (std::sscanf(line.c_str(), "ok %llu", &first) != 1) return unavailable(who + " says what nobody understands");
    if (!body) return ControlAnswer{first};
    std::uint64_t left = first;
    while (left > 0) {
      if (in.empty() && !more()) return unavailable(who + " ended in the middle of the backup");
      const std::size_t now = std::min<std::uint64_t>(left, in.size());
      if (Status status = body(std::string_view(in).substr(0, now)); !status.ok()) return status.error();
      in.erase(0, now);
      left -= now;
    }
    return ControlAnswer{first};
  }
}

Result<std::uint64_t> execute_for(const DataFlags& flags, const std::vector<std::string>& words) {
  const auto place = find_data(flags);
  if (!place.ok()) return place.error();
  if (is_served(place->path)) {
    const auto answer = control_call(place->path, words);
    if (!answer.ok()) return answer.error();
    return answer->number;
  }
  auto data = open_data(flags, false);
  if (!data.ok()) return data.error();
  const auto done = execute_on(*data->store, data->owner, words);
  data->store->flush();
  if (const auto ticket = data->store->commit(); !ticket.ok()) return ticket.error();
  if (Status status = data->store->sync(); !status.ok()) return status.error();
  return done;
}

// --- progress

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  end();
}

void Progress::show(std::uint64_t done, std::uint64_t all, const std::string& more) {
  const std::int64_t now = mono_now().ns / 1'000'000;
  if (last_ms_ >= 0 && now - last_ms_ < (terminal_ ? kBarEveryMs : kLineEveryMs)) return;
  const bool first = last_ms_ < 0;
  last_ms_ = now;
  const int percent = all > 0 ? static_cast<int>(std::min<std::uint64_t>(100, done * 100 / all)) : 0;
  if (!terminal_) {
    if (first) return;
    std::fprintf(stderr, "%s: %s%s%s\n", what_.c_str(), all > 0 ? (std::to_string(percent) + " %").c_str() : "",
                 all > 0 && !more.empty() ? ", " : "", more.c_str());
    return;
  }
  std::string bar;
  if (all > 0) {
    const auto filled = static_cast<std::size_t>(percent * kBarWidth / 100);
    bar.append("[").append(filled, '#').append(kBarWidth - filled, '.').append("] ");
    bar.append(std::to_string(percent)).append(" % ");
  }
  std::fprintf(stderr, "\r%s %s%s\x1b[K", what_.c_str(), bar.c_str(), more.c_str());
  shown_ = true;
}

void Progress::end() {
  if (shown_) std::fprintf(stderr, "\r\x1b[K");
  shown_ = false;
}

}  // namespace np2p::real
