#include "core/api/relay_document.h"

#include <algorithm>
#include <utility>

#include "core/api/client_limits.h"
#include "core/event/json_text.h"

namespace np2p {
namespace {

// What is done by clients alone (10, 19, ...) is not a relay's to claim.
constexpr std::string_view kNips = "[1,2,9,11,13,18,25,40,42,45,50,65,70,77,98]";

class Object {
 public:
  Object& text(std::string_view name, std::string_view value) {
    begin(name);
    json_text::append_string(out_, value);
    return *this;
  }
  Object& number(std::string_view name, std::size_t value) { return raw(name, std::to_string(value)); }
  Object& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  Object& raw(std::string_view name, std::string_view json) {
    begin(name);
    out_.append(json);
    return *this;
  }
  [[nodiscard]] std::string done() { return std::move(out_) + "}"; }

 private:
  void begin(std::string_view name) {
    out_.push_back(out_.empty() ? '{' : ',');
    json_text::append_string(out_, name);
    out_.push_back(':');
  }
  std::string out_;
};

std::string limitation(const Config& config, bool open) {
  const ClientLimits& limits = config.limits.client;
  const std::size_t most = std::min(limits.answer_events, kAnswersEvents);
  return Object()
      .number("max_message_length", limits.message_bytes)
      .number("max_subscriptions", limits.subscriptions)
      // What holds together: so many filters get so many events each. Of more filters, up to ClientLimits::filters,
      // each gets less.
      .number("max_filters", std::clamp<std::size_t>(kAnswersEvents / most, 1, limits.filters))
      .number("max_limit", most)
      .number("default_limit", most)
      .number("max_subid_length", limits.subscription_characters)
      .number("max_event_tags", config.limits.event_tags)
      .number("max_content_length", config.limits.event_bytes)
      // Of lists (kind::is_list()), which NIP-11 has no words for.
      .number("max_list_tags", config.limits.list_tags)
      .number("max_list_length", config.limits.list_bytes)
      .number("min_pow_difficulty", config.min_pow)
      .flag("auth_required", !open)
      .flag("payment_required", false)
      .flag("restricted_writes", !config.open_writes || !config.writable)
      .number("created_at_upper_limit", static_cast<std::size_t>(config.limits.future_tolerance / 1s))
      .done();
}

}  // namespace

std::string relay_document(const Config& config, std::string_view version, bool open) {
  return Object()
      .text("name", "nostrp2p")
      .text("description", "One person's own server. It takes that person's events, and what is addressed to them.")
      .text("pubkey", config.owner.hex())
      .raw("supported_nips", kNips)
      .text("software", "nostrp2p")
      .text("version", version)
      .raw("limitation", limitation(config, open))
      .done();
}

}  // namespace np2p
