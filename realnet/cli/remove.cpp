// delete and ban: what the owner does not want here. Nothing of it is said in the network.
#include <cstdio>

#include "core/event/nip19.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/own_data.h"

namespace np2p::real {

namespace {

Error mistake(const std::string& why) {
  return error(ErrorCode::bad_field, why);
}

Result<PubKey> key_of(const std::string& text) {
  auto key = parse_public_key(text);
  if (!key.ok()) return mistake("\"" + text + "\": " + key.error().reason);
  return key;
}

Result<std::vector<std::string>> words_of(const DeleteFlags& flags) {
  std::vector<std::string> words{"delete"};
  if (!flags.ids.empty() && (flags.author || flags.kind))
    return mistake("Name events by id, or by --author and --kind");
  if (!flags.ids.empty()) words.emplace_back("id");
  for (const auto& text : flags.ids) {
    auto id = EventId::parse_hex(text);
    if (!id) {
      const auto note = parse_note(text);
      if (!note.ok()) return mistake("\"" + text + "\": an event id has 64 hex digits, or is note1...");
      id = *note;
    }
    words.push_back(id->hex());
  }
  if (flags.author) {
    const auto author = key_of(*flags.author);
    if (!author.ok()) return author.error();
    words.insert(words.end(), {"author", author->hex()});
  }
  if (flags.kind) {
    if (*flags.kind < 0 || *flags.kind > 65535) return mistake("--kind must be a number from 0 to 65535");
    words.insert(words.end(), {"kind", std::to_string(*flags.kind)});
  }
  if (words.size() == 1) return mistake("Name what is to go: ids, --author KEY or --kind K");
  return words;
}

Result<std::vector<std::string>> words_of(const BanFlags& flags) {
  std::vector<std::string> words{flags.undo ? "unban" : "ban"};
  for (const auto& text : flags.keys) {
    const auto key = key_of(text);
    if (!key.ok()) return key.error();
    words.push_back(key->hex());
  }
  return words;
}

template <class Flags>
int carry_out(const Flags& flags, bool says_count) {
  const auto words = words_of(flags);
  if (!words.ok()) return fail(words.error());
  const auto done = execute_for(flags.data, *words);
  if (!done.ok()) return fail(done.error());
  if (says_count) std::printf("%llu events deleted\n", static_cast<unsigned long long>(*done));
  return 0;
}

}  // namespace

int run_delete(const DeleteFlags& flags) {
  return carry_out(flags, true);
}

int run_ban(const BanFlags& flags) {
  return carry_out(flags, !flags.undo);
}

}  // namespace np2p::real
