#include "core/api/access.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "core/api/client_limits.h"
#include "core/event/references.h"
#include "core/event/sha256.h"
#include "core/event/validation.h"
#include "core/feed/inbox.h"

namespace np2p {
namespace {

// Milli-tokens, because so few flow in a second.
constexpr std::uint32_t kMilli = 1000;
constexpr std::uint32_t kDelivery = kMilli;

std::uint32_t per_second(std::uint32_t per_minute) noexcept {
  return per_minute * kMilli / 60;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The first value of the only tag of that name; nothing if there is none, or more than one.
std::optional<std::string_view> only(const Tags& tags, std::string_view name) {
  std::optional<std::string_view> found;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (tags[i].size() < 2 || tags[i].name() != name) continue;
    if (found) return std::nullopt;
    found = tags[i].first();
  }
  return found;
}

// Leading zero bits, if its author meant to find that many (NIP-13).
unsigned proof_of_work(const Event& event) {
  unsigned zeros = 0;
  for (const std::uint8_t byte : event.id.data) {
    zeros += static_cast<unsigned>(std::countl_zero(byte));
    if (byte != 0) break;
  }
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    if (event.tags[i].name() != "nonce" || event.tags[i].size() < 3) continue;
    const std::string_view target = event.tags[i][2];
    unsigned meant = 0;
    const auto parsed = std::from_chars(target.data(), target.data() + target.size(), meant);
    if (parsed.ec == std::errc{} && parsed.ptr == target.data() + target.size()) return std::min(zeros, meant);
  }
  return 0;
}

// Is `url` http(s):// and then `called`? Names of hosts have no case, and default ports are left out by some.
bool is_url(std::string_view url, std::string_view called) {
  const auto path_of = [](std::string_view text) {
    const auto at = text.find_first_of("/?#");
    return at == std::string_view::npos ? std::string_view{} : text.substr(at);
  };
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view name = url.substr(0, scheme);
  if (name != "http" && name != "https") return false;
  const std::string_view rest = url.substr(scheme + 3);
  return host_of_url(rest) == host_of_url(called) && path_of(rest) == path_of(called);
}

constexpr std::array<std::uint16_t, 9> kDeliverable{
    kind::post,   4,  // NIP-04
    kind::repost, kind::reaction,
    16,           1059,
    1111,         1984,  // NIP-18, 59, 22, 56
    9735,                // NIP-57
};

}  // namespace

bool Visitor::is(const PubKey& key) const noexcept {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string host_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  std::string host = lower(url.substr(0, url.find_first_of("/?#")));
  for (const std::string_view port : {":80", ":443"}) {
    const bool ends = host.size() > port.size() && host.compare(host.size() - port.size(), port.size(), port) == 0;
    if (ends) host.resize(host.size() - port.size());
  }
  return host;
}

Access::Access(const Config& config, Host& host)
    : config_(config),
      host_(host),
      all_deliveries_(per_second(config.limits.client.all_deliveries_per_minute),
                      config.limits.client.all_deliveries_burst * kMilli),
      deliveries_(per_second(config.limits.client.deliveries_per_minute),
                  config.limits.client.deliveries_burst * kMilli, config.limits.client.deliverers),
      // One more, so that the one for which a WebSocket is closed is still looked at.
      forgeries_(kForgivenForgeriesPerSecond, kForgeries + 1, config.limits.client.deliverers) {}

bool Access::is_writer(const PubKey& key) const noexcept {
  return config_.is_own(key);
}

bool Access::is_insider(const Visitor& visitor) const noexcept {
  return visitor.origin.trusted ||
         std::any_of(visitor.keys.begin(), visitor.keys.end(), [&](const PubKey& key) { return is_writer(key); });
}

Status Access::may_read(const Visitor& visitor) const {
  if (!config_.open_writes) return may_see_state(visitor);
  if (visitor.origin.trusted || !visitor.keys.empty()) return {};
  return error(ErrorCode::unauthenticated, "say first who you are: here reads who has proven a key");
}

Status Access::may_see_state(const Visitor& visitor) const {
  if (is_insider(visitor)) return {};
  if (!visitor.keys.empty()) return error(ErrorCode::forbidden, "only the owner of this server reads here");
  return error(ErrorCode::unauthenticated, "say first who you are: only the owner of this server reads here");
}

bool Access::is_delivery(const Event& event) const {
  if (event.kind == kind::deletion) {
    const Deletes wanted = deletes(event);
    return !wanted.ids.empty() && std::all_of(wanted.ids.begin(), wanted.ids.end(), [&](const EventId& id) {
      const EventPtr held = host_.store.get(id);
      return held && held->pubkey == event.pubkey;
    });
  }
  const bool ephemeral = kind::class_of(event.kind) == kind::Class::ephemeral;
  const bool kind_may =
      ephemeral || std::find(kDeliverable.begin(), kDeliverable.end(), event.kind) != kDeliverable.end();
  return kind_may && named_users(event).count(config_.owner) != 0;
}

Status Access::may_write(const Visitor& visitor, const Event& event) {
  if (!config_.writable) return error(ErrorCode::read_only, "Write is denied");
  if (has_tag(event, "-") && !visitor.is(event.pubkey)) {
    return visitor.keys.empty() ? error(ErrorCode::unauthenticated, "a protected event is taken only from its author")
                                : error(ErrorCode::forbidden, "a protected event is taken only from its author");
  }
  if (is_writer(event.pubkey)) return {};
  if (!config_.open_writes && !is_delivery(event)) {
    return error(ErrorCode::forbidden, "this server publishes only its owner's events");
  }
  if (const auto refusal = inbox_refusal(event, config_, host_.store); refusal && !config_.open_writes) {
    return error(ErrorCode::forbidden, refusal->why);
  }
  if (proof_of_work(event) < config_.min_pow) {
    return error(ErrorCode::weak, std::to_string(config_.min_pow) + " bits of proof of work are asked for here");
  }
  return {};
}

bool Access::is_free(const Visitor& visitor, const Event& event) const noexcept {
  return is_writer(event.pubkey) || (config_.open_writes && visitor.origin.trusted);
}

Status Access::charge(const Visitor& visitor, const Event& event) {
  if (is_free(visitor, event) || deliveries_.take(visitor.origin.peer, host_.clock.mono(), kDelivery)) return {};
  return error(ErrorCode::rate_limited, "too many deliveries lately; try again in a minute");
}

Status Access::charge_all(const Visitor& visitor, const Event& verified) {
  if (is_free(visitor, verified) || all_deliveries_.take(host_.clock.mono(), kDelivery)) return {};
  return error(ErrorCode::rate_limited, "too many deliveries lately; try again in a minute");
}

// Who is trusted is not counted: a foreign page in the owner's browser has the address of the owner's own programs.
Result<EventPtr> Access::verify(Event event, const ClientOrigin& from, std::string_view text) {
  const MonoTime now = host_.clock.mono();
  if (!from.trusted && forgeries_.wait(from.peer, now) > Duration{}) {
    return error(ErrorCode::rate_limited, "too many forged events from this address; try again later");
  }
  auto valid = ValidationGate::validate(std::move(event), config_.limits, host_.verifier, text);
  if (valid.ok() || from.trusted) return valid;
  const ErrorCode why = valid.error().code;
  if (why == ErrorCode::bad_id || why == ErrorCode::bad_signature) forgeries_.take(from.peer, now);
  return valid;
}

std::string Access::random_text() {
  std::array<std::uint8_t, 16> bytes{};
  host_.entropy.fill(bytes);
  return to_hex(bytes);
}

std::string Access::challenge() {
  return random_text();
}

Result<PubKey> Access::proven(Event proof, std::uint16_t kind, Duration window, const ClientOrigin& from) {
  if (proof.kind != kind) return error(ErrorCode::bad_kind, "a proof here is an event of kind " + std::to_string(kind));
  const std::int64_t now = unix_seconds(host_.clock.wall());
  const std::int64_t most = window / 1s;
  if (proof.created_at < now - most || proof.created_at > now + most) {
    return error(ErrorCode::bad_time, "the proof's created_at is too far from now");
  }
  const auto valid = verify(std::move(proof), from);
  if (!valid.ok()) return valid.error();
  return (*valid)->pubkey;
}

Result<PubKey> Access::prove(Event answer, std::string_view challenge, const ClientOrigin& from) {
  const auto said = only(answer.tags, "challenge");
  if (!said || *said != challenge) return error(ErrorCode::bad_field, "it does not answer this connection's challenge");
  const auto relay = only(answer.tags, "relay");
  if (!relay || host_of_url(*relay) != host_of_url(from.url)) {
    return error(ErrorCode::bad_field, "its relay tag names another server");
  }
  return proven(std::move(answer), 22242, config_.limits.client.proof_window, from);
}

std::string Access::nonce() {
  const MonoTime now = host_.clock.mono();
  std::erase_if(nonces_, [&](const Nonce& old) { return old.until <= now; });
  if (nonces_.size() >= config_.limits.client.nonces) nonces_.erase(nonces_.begin());
  nonces_.push_back({random_text(), now + config_.limits.client.nonce_life});
  return nonces_.back().text;
}

bool Access::use_nonce(std::string_view url) {
  const auto query = url.find('?');
  if (query == std::string_view::npos) return false;
  std::string_view rest = url.substr(query + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.substr(0, 6) != "nonce=") continue;
    const auto at =
        std::find_if(nonces_.begin(), nonces_.end(), [&](const Nonce& n) { return n.text == part.substr(6); });
    if (at == nonces_.end()) return false;
    const bool fresh = at->until > host_.clock.mono();
    nonces_.erase(at);
    return fresh;
  }
  return false;
}

Result<PubKey> Access::prove(Event proof, const RequestClaim& request, const ClientOrigin& from) {
  const auto url = only(proof.tags, "u");
  if (!url || !is_url(*url, request.url)) return error(ErrorCode::bad_field, "the proof is for another URL");
  const auto method = only(proof.tags, "method");
  if (!method || *method != request.method) return error(ErrorCode::bad_field, "the proof is for another method");
  const auto payload = only(proof.tags, "payload");
  const bool needs_payload = !request.body.empty();
  if (needs_payload && (!payload || *payload != to_hex(sha256(bytes_of(request.body))))) {
    return error(ErrorCode::bad_field, "the proof is for another body");
  }
  auto key = proven(std::move(proof), 27235, config_.limits.client.request_window, from);
  if (!key.ok()) return key;
  // Last, so that nobody but who holds a key can use a nonce up.
  if (!use_nonce(request.url)) return error(ErrorCode::bad_field, "the URL has no nonce of ours, or one that was used");
  return key;
}

std::size_t Access::bytes() const noexcept {
  return nonces_.size() * (sizeof(Nonce) + 33) + deliveries_.bytes() + forgeries_.bytes();
}

}  // namespace np2p
