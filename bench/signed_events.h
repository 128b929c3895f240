// Signed events of realistic size for benchmarks: posts of about 250 bytes, every third a reply with two tags.
#pragma once

#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/crypto/signer.h"
#include "core/event/event.h"

namespace np2p::bench {

inline std::vector<Event> signed_events(std::size_t count) {
  constexpr std::size_t kAuthors = 100;
  std::vector<Signer> authors;
  for (std::size_t i = 0; i < kAuthors; ++i) authors.push_back(Signer::from_seed(1, i));
  const std::string_view words[] = {"and",     "so",    "we",          "met",  "at the",
                                    "station", "again", "\"really\"?", "日本", "\n"};
  Rng rng(1, "bench events");
  std::vector<Event> events;
  for (std::size_t i = 0; i < count; ++i) {
    std::string content;
    const std::uint64_t size = 100 + rng.below(300);
    while (content.size() < size) content.append(words[rng.below(std::size(words))]).push_back(' ');
    Tags tags;
    if (i % 3 == 0 && i > 0) {
      tags.add({"e", events[i - 1].id.hex(), "", "root"});
      tags.add({"p", events[i - 1].pubkey.hex()});
    }
    const Signer& author = authors[rng.below(kAuthors)];
    events.push_back(author.sign(1, 1'700'000'000 + static_cast<std::int64_t>(i), std::move(tags), std::move(content)));
  }
  return events;
}

}  // namespace np2p::bench
