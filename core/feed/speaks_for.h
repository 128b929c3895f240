// A claim may speak only for itself.
#pragma once

#include "core/base/config.h"
#include "core/overlay/overlay.h"

namespace np2p {

// On the mesh a source has no more than the low 48 bits of a key.
[[nodiscard]] inline bool speaks_for(const Delivery& delivery, const PubKey& user, OverlayKind overlay) noexcept {
  if (overlay != OverlayKind::mesh) return delivery.source == user;
  return mesh_name(delivery.source) == mesh_name(user);
}

}  // namespace np2p
