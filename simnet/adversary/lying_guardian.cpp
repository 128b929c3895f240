#include "core/overlay/overlay.h"
#include "core/wire/packet.h"
#include "core/wire/stream.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {

bool LyingGuardian::says(LinkId, swarm::Message& message) {
  auto said = extension_in(message);
  if (!said) return true;
  // "Kept", and dropped: nobody sees it again.
  if (manner_ == Behaviour::forgetful_guardian) {
    if (auto* index = std::get_if<MailIndex>(&*said)) {
      index->ranges.clear();
    } else if (auto* guarded = std::get_if<Guarded>(&*said)) {
      guarded->letters = 0;
    } else {
      return true;
    }
  } else if (const auto* part = std::get_if<MailPart>(&*said); part != nullptr && !part->letters.empty()) {
    *said = lie(*part);
  } else {
    return true;
  }
  say_instead(message, encode_extension(*said), means_);
  return true;
}

MailPart LyingGuardian::lie(const MailPart& truth) {
  MailPart told = truth;
  if (manner_ == Behaviour::withholding_guardian) {  // or the last of them, every now and then
    told.last = false;
    told.letters.clear();
    if (means_.rng.chance(1, 2)) told.letters.push_back(truth.letters.back());
    return told;
  }
  // Of each stream the last letter: with what was good of it, under a number beyond all and a signature that is none.
  told.letters.clear();
  for (const Letter& letter : truth.letters) {
    auto part = decode_stream_part(letter.payload.view(), Limits{});
    if (!part.ok()) continue;
    part->covers = part->head.seq;
    part->head.base = 0;
    part->head.chain.fill(static_cast<std::uint8_t>(means_.rng.next()));
    part->packet = {};
    if (means_.rng.chance(1, 2)) part->head.sig = {};
    Letter junk = letter;
    junk.payload = encode_stream_part(*part);
    if (!told.letters.empty() && told.letters.back().stream == letter.stream) told.letters.pop_back();
    told.letters.push_back(junk);
  }
  return told;
}

}  // namespace np2p::sim
