#include "core/event/client_message.h"

#include <algorithm>

#include "core/event/json_reader.h"

namespace np2p {
namespace {

namespace dom = simdjson::dom;
using json_reader::Style;

Error bad(std::string_view what) {
  return error(ErrorCode::bad_field, std::string(what));
}

// Characters, not bytes: NIP-01 counts in characters.
std::size_t characters(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Result<std::string> read_subscription(dom::array message, const Limits& limits) {
  dom::element element;
  std::string_view id;
  if (message.at(1).get(element) != simdjson::SUCCESS || element.get(id) != simdjson::SUCCESS) {
    return bad("the subscription id is not a string");
  }
  const std::size_t length = characters(id);
  if (length == 0 || length > limits.client.subscription_characters) {
    return bad("a subscription id has 1 to " + std::to_string(limits.client.subscription_characters) + " characters");
  }
  return std::string(id);
}

// Those of a list, without what stands before them.
Result<std::vector<Filter>> read_filters(dom::array list, std::size_t before, const Limits& limits) {
  std::vector<Filter> filters;
  std::size_t place = 0;
  std::size_t values = 0;
  for (const dom::element element : list) {
    if (place++ < before) continue;
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) return bad("a filter is not a JSON object");
    if (filters.size() == limits.client.filters) return error(ErrorCode::too_large, "too many filters");
    auto filter = json_reader::read_filter(object, limits, Style::nip01);
    if (!filter.ok()) return filter.error();
    for (const auto& [letter, named] : filter->tags) values += named.size();
    values += (filter->ids ? filter->ids->size() : 0) + (filter->authors ? filter->authors->size() : 0) +
              (filter->kinds ? filter->kinds->size() : 0);
    if (values > limits.filter_values) return error(ErrorCode::too_large, "the filters name too many values");
    filters.push_back(std::move(filter).value());
  }
  if (filters.empty()) return bad("there is no filter");
  return filters;
}

// The second of two elements as it was written. The text is valid JSON, an array of a string and something.
std::string_view second_element(std::string_view text) noexcept {
  const auto begin = text.find(',', text.find('"', text.find('"') + 1));
  const auto end = text.rfind(']');
  std::string_view element = text.substr(begin + 1, end - begin - 1);
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!element.empty() && is_space(element.front())) element.remove_prefix(1);
  while (!element.empty() && is_space(element.back())) element.remove_suffix(1);
  return element;
}

Result<ClientMessage> read_event_message(dom::array message, std::string_view text, bool proves, const Limits& limits) {
  dom::object object;
  if (message.size() != 2 || message.at(1).get(object) != simdjson::SUCCESS) {
    return bad(proves ? "AUTH needs one event" : "EVENT needs one event");
  }
  auto event = json_reader::read_event(object, limits, Style::nip01);
  EventMessage read{event.ok() ? Result<Event>(std::move(event->event)) : event.error(), {}, {}, proves};
  if (event.ok()) read.text = json_reader::sendable(second_element(text), *event);
  std::string_view id;
  constexpr std::size_t kIdDigits = 2 * EventId::size;
  if (object.at_key("id").get(id) == simdjson::SUCCESS && id.size() <= kIdDigits) read.id = id;
  return ClientMessage{std::move(read)};
}

Result<ByteVec> read_step(dom::array message, std::size_t place) {
  dom::element element;
  std::string_view hex;
  if (message.size() != place + 1 || message.at(place).get(element) != simdjson::SUCCESS ||
      element.get(hex) != simdjson::SUCCESS) {
    return bad("its last element is a string of hex digits");
  }
  ByteVec bytes(hex.size() / 2);
  if (hex.size() % 2 != 0 || !from_hex(hex, bytes)) return bad("a message is written in lower-case hex digits");
  return bytes;
}

ReconcileMessage read_reconcile(dom::array message, std::string subscription, bool opens, const Limits& limits) {
  ReconcileMessage read{std::move(subscription), {}, read_step(message, opens ? 3 : 2)};
  if (!opens || !read.step.ok()) return read;
  dom::array list;
  dom::object object;
  if (message.at(2).get(list) == simdjson::SUCCESS) {
    auto filters = read_filters(list, 0, limits);
    if (!filters.ok()) read.step = filters.error();
    if (filters.ok()) read.filters = std::move(filters).value();
  } else if (message.at(2).get(object) == simdjson::SUCCESS) {
    auto filter = json_reader::read_filter(object, limits, Style::nip01);
    if (!filter.ok()) read.step = filter.error();
    if (filter.ok()) read.filters.push_back(std::move(filter).value());
  } else {
    read.step = bad("a filter is not a JSON object");
  }
  return read;
}

}  // namespace

Result<ClientMessage> parse_client_message(std::string_view text, const Limits& limits) {
  if (text.size() > limits.client.message_bytes)
    return error(ErrorCode::too_large, "the message is larger than allowed");
  dom::parser parser;
  const auto root = json_reader::parse(parser, text, "the message");
  if (!root.ok()) return root.error();
  dom::array message;
  std::string_view type;
  if (root->get(message) != simdjson::SUCCESS) return error(ErrorCode::malformed, "the message is not a JSON array");
  dom::element first;
  if (message.at(0).get(first) != simdjson::SUCCESS || first.get(type) != simdjson::SUCCESS) {
    return error(ErrorCode::malformed, "the message does not begin with its type");
  }
  if (type == "EVENT" || type == "AUTH") return read_event_message(message, text, type == "AUTH", limits);
  const bool reconciles = type == "NEG-OPEN" || type == "NEG-MSG";
  if (type != "REQ" && type != "COUNT" && type != "CLOSE" && type != "NEG-CLOSE" && !reconciles) {
    return error(ErrorCode::unknown_type, "there is no message of that type");
  }
  auto subscription = read_subscription(message, limits);
  if (!subscription.ok()) return subscription.error();
  if (type == "CLOSE" || type == "NEG-CLOSE") {
    return ClientMessage{CloseMessage{std::move(subscription).value(), type == "NEG-CLOSE"}};
  }
  if (reconciles) {
    return ClientMessage{read_reconcile(message, std::move(subscription).value(), type == "NEG-OPEN", limits)};
  }
  return ClientMessage{AskMessage{std::move(subscription).value(), read_filters(message, 2, limits), type == "COUNT"}};
}

}  // namespace np2p
