#include "realnet/cli/server_options.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/event/nip19.h"
#include "realnet/cli/limit_keys.h"

namespace np2p::real {

namespace {

Error mistake(std::string_view flag, std::string_view value, std::string_view what) {
  return error(ErrorCode::bad_field, std::string(flag) + " \"" + std::string(value) + "\": " + std::string(what));
}

// Enough of a key to know it again. It may be the secret one, and logs and screens are seen by others.
std::string shortened(const std::string& key) {
  constexpr std::size_t kShown = 8;
  return key.size() <= 2 * kShown ? key : key.substr(0, kShown) + "...";
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostPort> split(std::string_view text, std::string_view flag) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return mistake(flag, text, "expected host:port");
  HostPort result{std::string(text.substr(0, colon)), 0};
  const auto port = text.substr(colon + 1);
  unsigned number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || parsed.ec != std::errc{} || parsed.ptr != port.data() + port.size() || number > 65535) {
    return mistake(flag, text, "the port must be a number from 0 to 65535");
  }
  result.port = static_cast<std::uint16_t>(number);
  auto& host = result.host;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return mistake(flag, text, "an IPv6 address needs brackets, as in [::1]:20000");
  }
  if (host.empty()) host = "0.0.0.0";
  return result;
}

Status choose_modes(const ServerFlags& flags, Config& config) {
  const std::string mode = flags.mode.value_or("broadcast");
  if (mode == "broadcast") {
    config.mode = FeedMode::broadcast;
  } else if (mode == "multicast") {
    config.mode = FeedMode::multicast;
  } else if (mode == "auto") {
    config.mode = FeedMode::automatic;
  } else {
    return mistake("--mode", mode, "must be broadcast, multicast or auto");
  }
  if (flags.broadcast_budget) {
    const std::int64_t budget = *flags.broadcast_budget;
    if (config.mode != FeedMode::automatic) {
      return mistake("--broadcast-budget", std::to_string(budget), "needs --mode auto");
    }
    if (budget < 1 || budget > 1'000'000'000) {
      return mistake("--broadcast-budget", std::to_string(budget), "must be 1 to 1000000000 bytes per second");
    }
    config.auto_mode.budget_bytes_per_s = static_cast<std::uint32_t>(budget);
  }
  const std::string replies = flags.replies.value_or("everybody");
  if (replies != "tagged" && replies != "everybody") {
    return mistake("--replies", replies, "must be tagged or everybody");
  }
  config.replies = replies == "tagged" ? Replies::tagged : Replies::everybody;
  const std::string overlay = flags.overlay.value_or("hyparview");
  if (overlay != "hyparview" && overlay != "mesh") return mistake("--overlay", overlay, "must be hyparview or mesh");
  config.overlay = overlay == "mesh" ? OverlayKind::mesh : OverlayKind::hyparview;
  config.network_id = flags.network_id.value_or("nostrp2p");
  if (config.network_id.empty() || config.network_id.size() > 64) {
    return mistake("--network-id", config.network_id, "must have 1 to 64 bytes");
  }
  return {};
}

Status find_bootstrap(const ServerFlags& flags, ServerOptions& options, std::vector<std::string>& warnings) {
  auto& bootstrap = options.config.bootstrap;
  std::vector<std::string> late;
  for (const auto& text : flags.bootstrap.value_or(std::vector<std::string>{})) {
    if (text.empty()) continue;  // as the original's default
    const auto parts = split(text, "-b");
    if (!parts.ok()) return parts.error();
    if (parts->port == 0) return mistake("-b", text, "nobody can be reached at port 0");
    const auto address = resolve(text, "-b");
    if (address.ok()) {
      bootstrap.push_back(*address);
      continue;
    }
    if (address.error().code == ErrorCode::bad_field) return address.error();
    late.push_back(parts->host);
    warnings.push_back(address.error().reason);
  }
  // One way in is enough; with none the name service may only be late.
  if (!bootstrap.empty() || late.empty()) return {};
  warnings.back() += "; trying again from time to time";
  options.late_names = std::move(late);
  return {};
}

Status find_external(const ServerFlags& flags, Config& config) {
  if (!flags.external) return {};
  const auto external = resolve(*flags.external, "--external");
  if (!external.ok()) return external.error();
  if (external->port == 0 || external->is_unspecified() || external->is_multicast()) {
    return mistake("--external", *flags.external, "nobody can be reached there");
  }
  config.external = *external;
  return {};
}

// Which addresses heard of in the network may be dialled.
void choose_reach(const ServerFlags& flags, ServerOptions& options) {
  Config& config = options.config;
  const bool boots_on_loopback =
      options.late_names.empty() &&
      std::all_of(config.bootstrap.begin(), config.bootstrap.end(), [](const Address& a) { return a.is_loopback(); });
  config.dial_loopback = config.listen.is_loopback() && boots_on_loopback;
  config.dial_private = flags.lan.value_or(false) || config.listen.is_private();
}

Status choose_relay(const ServerFlags& flags, Config& config) {
  config.relay = !flags.no_relay.value_or(false);
  if (!flags.relay_rate) return {};
  constexpr std::int64_t kMost = 1024 * 1024;
  if (*flags.relay_rate < 1 || *flags.relay_rate > kMost) {
    return mistake("--relay-rate", std::to_string(*flags.relay_rate), "KiB per second, from 1 to 1048576");
  }
  config.relay_bytes_per_s = static_cast<std::uint32_t>(*flags.relay_rate * 1024);
  return {};
}

// A service is started in whatever directory: its files lie where its configuration is, or else where its data are.
std::string beside_config(const ServerFlags& flags, const std::string& data_dir, const std::string& path) {
  const std::filesystem::path folder =
      flags.config.empty() ? std::filesystem::path(data_dir) : std::filesystem::path(flags.config).parent_path();
  return std::filesystem::absolute(folder / path).lexically_normal().string();
}

Status add_networks(const std::string& flag, const std::optional<std::vector<std::string>>& given,
                    std::vector<NetworkPrefix>& networks) {
  for (const auto& text : given.value_or(std::vector<std::string>{})) {
    const auto prefix = NetworkPrefix::parse(text);
    if (!prefix.ok()) return error(ErrorCode::bad_field, flag + " " + prefix.error().reason);
    networks.push_back(*prefix);
  }
  return {};
}

Status choose_api(const ServerFlags& flags, ServerOptions& options) {
  if (flags.api_listen) {
    const auto api = resolve(*flags.api_listen, "--api-listen");
    if (!api.ok()) return api.error();
    options.api = *api;
    const bool reachable = !api->is_loopback() && !api->is_private();
    if (reachable && !flags.ssl.value_or(false) && !flags.api_insecure.value_or(false)) {
      return mistake("--api-listen", *flags.api_listen,
                     "others could read along there: use -s, or say --api-insecure if something in front speaks TLS");
    }
  } else if (options.config.listen.port == 65535) {
    return mistake("-l", options.config.listen.text(), "leaves no port for the API, which listens on the next one");
  }
  if (flags.ssl.value_or(false)) {
    options.tls_certificate = beside_config(flags, options.data_dir, flags.tls_cert.value_or("fullchain.pem"));
    options.tls_key = beside_config(flags, options.data_dir, flags.tls_key.value_or("privkey.pem"));
  }
  options.api_settings.limits = options.config.limits;
  options.api_settings.allow_origins = flags.allow_origins.value_or(std::vector<std::string>{});
  options.api_settings.host_names = flags.host_names.value_or(std::vector<std::string>{});
  auto trust = flags.trust;
  if (trust) options.api_settings.trust_private = std::erase(*trust, "private") > 0;
  if (Status status = add_networks("--trust", trust, options.api_settings.trusted); !status.ok()) return status;
  return add_networks("--trusted-proxies", flags.trusted_proxies, options.api_settings.trusted_proxies);
}

// Who may publish here besides the owner, and what it costs the others.
Status choose_writers(const ServerFlags& flags, Config& config) {
  auto writers = named_writers(flags);
  if (!writers.ok()) return writers.error();
  config.writers = std::move(writers).value();
  const std::vector<std::string> given = flags.writers.value_or(std::vector<std::string>{});
  config.open_writes = std::find(given.begin(), given.end(), "*") != given.end();
  constexpr std::int64_t kMost = 64;
  const std::int64_t bits = flags.min_pow.value_or(0);
  if (bits < 0 || bits > kMost) return mistake("--min-pow", std::to_string(bits), "bits, from 0 to 64");
  config.min_pow = static_cast<std::uint32_t>(bits);
  return {};
}

}  // namespace

Result<Address> resolve(std::string_view host_port, std::string_view flag) {
  const auto parts = split(host_port, flag);
  if (!parts.ok()) return parts.error();
  SocketError failure;
  const auto numeric = asio::ip::make_address(parts->host, failure);
  if (!failure) return to_address({numeric, parts->port});
  asio::io_context io;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(parts->host, std::to_string(parts->port), tcp::resolver::numeric_service, failure);
  if (failure || found.empty()) {
    return error(ErrorCode::unavailable,
                 std::string(flag) + " \"" + std::string(host_port) + "\": this host name does not resolve");
  }
  Address best = to_address(found.begin()->endpoint());
  for (const auto& entry : found) {
    if (!best.is_v4() && entry.endpoint().address().is_v4()) best = to_address(entry.endpoint());
  }
  return best;
}

Result<std::vector<PubKey>> named_writers(const ServerFlags& flags) {
  std::vector<PubKey> writers;
  for (const auto& text : flags.writers.value_or(std::vector<std::string>{})) {
    if (text == "*") continue;
    const auto key = parse_public_key(text);
    if (!key.ok()) return mistake("--writers", shortened(text), key.error().reason);
    writers.push_back(*key);
  }
  return writers;
}

Status apply_retention(const ServerFlags& flags, Limits& limits) {
  const auto within = [](const char* key, const std::optional<std::int64_t>& value, std::int64_t least,
                         std::int64_t most) -> Status {
    if (!value || (*value >= least && *value <= most)) return {};
    return mistake(std::string("retention.") + key, std::to_string(*value),
                   "must be " + std::to_string(least) + " to " + std::to_string(most));
  };
  constexpr std::int64_t kMostDays = 36'500;
  for (const Status& status :
       {within("events", flags.keep_events, 1000, 100'000'000), within("mib", flags.keep_mib, 16, 1'000'000),
        within("strangers-percent", flags.strangers_percent, 0, 100),
        within("trusted-percent", flags.trusted_percent, 0, 100),
        within("mentions-percent", flags.mentions_percent, 0, 100),
        within("sealed-percent", flags.sealed_percent, 0, 100),
        within("followers-percent", flags.followers_percent, 0, 100),
        within("strangers-days", flags.strangers_days, 0, kMostDays),
        within("known-days", flags.known_days, 0, kMostDays)}) {
    if (!status.ok()) return status;
  }
  for (const auto& [kind, days] : flags.kind_days) {
    const std::string name = "kind-days." + std::to_string(kind);
    if (Status status = within(name.c_str(), days, 0, kMostDays); !status.ok()) return status;
  }
  if (flags.keep_events) limits.stored_events = static_cast<std::size_t>(*flags.keep_events);
  if (flags.keep_mib) limits.stored_bytes = static_cast<std::size_t>(*flags.keep_mib) * 1024 * 1024;
  unsigned sum = 0;
  const auto share = [&sum](const std::optional<std::int64_t>& percent, unsigned& target) {
    if (percent) target = static_cast<unsigned>(*percent);
    sum += target;
  };
  share(flags.strangers_percent, limits.stranger_share_percent);
  share(flags.trusted_percent, limits.trusted_share_percent);
  share(flags.mentions_percent, limits.mention_share_percent);
  share(flags.sealed_percent, limits.sealed_share_percent);
  share(flags.followers_percent, limits.follower_share_percent);
  if (sum > 100) {
    return error(ErrorCode::bad_field,
                 "retention: the shares (-percent) of others than those whom you follow add up to " +
                     std::to_string(sum) + "; at most 100 are there");
  }
  return {};
}

Result<ServerOptions> server_options(const ServerFlags& flags, std::vector<std::string>& warnings) {
  ServerOptions options;
  Config& config = options.config;
  const auto owner = parse_public_key(flags.public_key.value_or(""));
  if (!owner.ok()) return mistake("-p", shortened(flags.public_key.value_or("")), owner.error().reason);
  config.owner = *owner;
  const auto listen = resolve(flags.listen.value_or("127.0.0.1:20000"), "-l");
  if (!listen.ok()) return listen.error();
  config.listen = *listen;
  config.require_bind = flags.require_bind.value_or(false);
  config.writable = flags.writable.value_or(true);
  if (Status status = choose_modes(flags, config); !status.ok()) return status.error();
  if (Status status = find_bootstrap(flags, options, warnings); !status.ok()) return status.error();
  if (Status status = find_external(flags, config); !status.ok()) return status.error();
  choose_reach(flags, options);
  if (Status status = apply_retention(flags, config.limits); !status.ok()) return status.error();
  config.inbox = {flags.take_followers.value_or(true), flags.take_mentions.value_or(true),
                  flags.take_trusted.value_or(true), flags.take_strangers.value_or(true)};
  if (Status status = apply_limits(flags, config.limits, options.http_limits); !status.ok()) return status.error();
  constexpr std::int64_t kDay = 86'400;
  options.ages.strangers = flags.strangers_days.value_or(0) * kDay;
  options.ages.known = flags.known_days.value_or(0) * kDay;
  for (const auto& [kind, days] : flags.kind_days) options.ages.kinds[kind] = days * kDay;
  if (Status status = choose_relay(flags, config); !status.ok()) return status.error();
  if (Status status = choose_writers(flags, config); !status.ok()) return status.error();
  options.data_dir = flags.data_dir.value_or(DataDir::default_path(config.owner));
  if (options.data_dir.empty()) {
    return error(ErrorCode::bad_field, "This account has no home directory: say with --data-dir where the data go");
  }
  if (Status status = choose_api(flags, options); !status.ok()) return status.error();
  options.port_mapping = !flags.no_port_mapping.value_or(false) && needs_port_mapping(config.listen);
  return options;
}

}  // namespace np2p::real
