// Port: BIP-340 verification. A pure function; the host may memoise it, and switching the memo off changes no trace.
// core links no signer: a server cannot forge its user. (A port like those of core/host; it stands here because the
// gate in, event/validation.h, needs it and no arrow points up.)
#pragma once

#include "core/base/bytes.h"
#include "core/event/event.h"

namespace np2p {

class Verifier {
 public:
  virtual ~Verifier() = default;
  // True if `sig` is key's BIP-340 signature over the 32 bytes of `id`.
  virtual bool verify(const EventId& id, const PubKey& key, const Signature& sig) = 0;

  // A host with many nodes may keep what one of them has validated, so that the others share it: an event equal to
  // `claim` in every byte, or null. What may be asked of an event does not depend on who asks, so this changes nothing
  // but time and memory.
  [[nodiscard]] virtual EventPtr known(const Event& claim) {
    static_cast<void>(claim);
    return {};
  }
  virtual void keep(const EventPtr& event) { static_cast<void>(event); }
};

}  // namespace np2p
