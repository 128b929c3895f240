// post, timeline and follow: a client in a few lines. Events are signed here; the server never sees the key.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "core/event/json.h"
#include "core/event/nip19.h"
#include "realnet/cli/client.h"
#include "realnet/cli/commands.h"
#include "realnet/clock.h"

namespace np2p::real {

namespace {

constexpr std::int64_t kMostEvents = 500;

Error mistake(const std::string& why) {
  return error(ErrorCode::bad_field, why);
}

std::int64_t now() {
  return unix_seconds(wall_now());
}

// Only what can do no harm on a terminal: control characters, which move the cursor and worse, become spaces.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    // U+0080 to U+009F are controls, too.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    out.push_back(c1 || byte < 0x20 || byte == 0x7F ? ' ' : text[i]);
  }
  return out;
}

std::string time_text(std::int64_t at) {
  const auto seconds = static_cast<std::time_t>(at);
  std::tm local{};
  char text[32] = "";
  if (::localtime_r(&seconds, &local) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

std::string quoted_list(const std::vector<PubKey>& keys) {
  std::string text;
  for (const PubKey& key : keys) text += (text.empty() ? "\"" : ",\"") + key.hex() + "\"";
  return "[" + text + "]";
}

Result<std::vector<PubKey>> keys_of(const std::vector<std::string>& texts) {
  std::vector<PubKey> keys;
  for (const auto& text : texts) {
    const auto key = parse_public_key(text);
    if (!key.ok()) return mistake("\"" + text + "\": " + key.error().reason);
    keys.push_back(*key);
  }
  return keys;
}

// --- post

Status post(const PostFlags& flags) {
  const auto url = parse_http_url(flags.client.server, flags.client.insecure);
  if (!url.ok()) return url.error();
  std::string text = flags.text;
  if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return mistake("There is nothing to post");
  const auto signer = read_key_file(flags.key_file);
  if (!signer.ok()) return signer.error();
  const Event event = signer->sign(kind::post, now(), {}, std::move(text));
  if (Status status = publish_event(*url, event, "the post"); !status.ok()) return status;
  std::printf("%s\n", note(event.id).c_str());
  return {};
}

// --- timeline

std::map<PubKey, std::string> names_of(const HttpUrl& url, const std::vector<Event>& events) {
  std::set<PubKey> authors;
  for (const Event& event : events) authors.insert(event.pubkey);
  std::map<PubKey, std::string> names;
  if (authors.empty()) return names;
  const auto profiles =
      request_events(url, "{\"kinds\":[0],\"authors\":" + quoted_list({authors.begin(), authors.end()}) + "}");
  if (!profiles.ok()) return names;  // names are a courtesy
  for (const Event& profile : *profiles) {
    std::string name = json_field(profile.content, "display_name");
    if (name.empty()) name = json_field(profile.content, "name");
    if (!name.empty()) names[profile.pubkey] = printable(name);
  }
  return names;
}

std::string what_it_says(const Event& event) {
  if (event.kind != kind::repost) return printable(event.content);
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    const auto id = event.tags[i].name() == "e" ? EventId::parse_hex(event.tags[i].first()) : std::nullopt;
    if (id) return "reposts " + note(*id);
  }
  return "reposts something";
}

Status timeline(const TimelineFlags& flags) {
  if (flags.limit < 1 || flags.limit > kMostEvents) {
    return mistake("--limit must be a number from 1 to " + std::to_string(kMostEvents));
  }
  const auto url = parse_http_url(flags.client.server, flags.client.insecure);
  if (!url.ok()) return url.error();
  const auto authors = keys_of(flags.authors);
  if (!authors.ok()) return authors.error();
  const std::string whose = authors->empty() ? "" : ",\"authors\":" + quoted_list(*authors);
  auto events = request_events(*url, "{\"kinds\":[1,6]" + whose + ",\"limit\":" + std::to_string(flags.limit) + "}");
  if (!events.ok()) return events.error();
  std::vector<Event> shown = std::move(events).value();
  std::reverse(shown.begin(), shown.end());  // the newest stands last, above the prompt
  if (flags.json) {
    for (const Event& event : shown) std::printf("%s\n", event_json(event).c_str());
    return {};
  }
  const auto names = names_of(*url, shown);
  for (const Event& event : shown) {
    const auto name = names.find(event.pubkey);
    const std::string who = name != names.end() ? name->second : npub(event.pubkey).substr(0, 16);
    std::printf("%s  %s: %s\n", time_text(event.created_at).c_str(), who.c_str(), what_it_says(event).c_str());
  }
  return {};
}

// --- follow

Status follow(const FollowFlags& flags) {
  const auto url = parse_http_url(flags.client.server, flags.client.insecure);
  if (!url.ok()) return url.error();
  const auto keys = keys_of(flags.keys);
  if (!keys.ok()) return keys.error();
  const auto signer = read_key_file(flags.key_file);
  if (!signer.ok()) return signer.error();
  const PubKey me = signer->public_key();
  const auto known = request_events(*url, "{\"kinds\":[3],\"authors\":" + quoted_list({me}) + ",\"limit\":1}");
  if (!known.ok()) return known.error();
  // After a lost disk the server has none for a while, and a list of one would take the place of the whole one.
  if (known->empty() && !flags.is_new) {
    return mistake(
        "Your server has no follow list of yours. If you have one, it must not be replaced: where a disk was lost, it "
        "comes back from those who have copies within minutes after bind. If this is your first, add --new");
  }
  // The list is replaced as a whole, so everything that it has besides stays in it.
  Tags tags;
  std::set<PubKey> followed;
  std::string content;
  std::int64_t at = now();
  if (!known->empty()) {
    const Event& list = known->front();
    content = list.content;
    at = std::max(at, list.created_at + 1);
    for (std::size_t i = 0; i < list.tags.size(); ++i) {
      const auto tag = list.tags[i];
      const auto key = tag.name() == "p" ? PubKey::parse_hex(tag.first()) : std::nullopt;
      if (key && flags.undo && std::find(keys->begin(), keys->end(), *key) != keys->end()) continue;
      if (key) followed.insert(*key);
      tags.begin_tag();
      for (std::size_t v = 0; v < tag.size(); ++v) tags.add_value(tag[v]);
    }
  }
  for (const PubKey& key : *keys) {
    if (flags.undo || !followed.insert(key).second) continue;
    const std::string hex = key.hex();
    tags.add({"p", hex});
  }
  const Event event = signer->sign(kind::follow_list, at, std::move(tags), std::move(content));
  if (Status status = publish_event(*url, event, "the follow list"); !status.ok()) return status;
  std::printf("%zu followed\n", followed.size());
  return {};
}

int finish(const Status& status) {
  return status.ok() ? 0 : fail(status.error());
}

}  // namespace

int run_post(const PostFlags& flags) {
  return finish(post(flags));
}

int run_timeline(const TimelineFlags& flags) {
  return finish(timeline(flags));
}

int run_follow(const FollowFlags& flags) {
  return finish(follow(flags));
}

}  // namespace np2p::real
