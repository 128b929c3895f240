// How the parts of guardians.h speak: a message about mail to a user's server, and whether there is a way to it now.
#pragma once

#include <functional>

#include "core/host/network.h"
#include "core/overlay/overlay.h"
#include "core/wire/extension.h"

namespace np2p {

struct MailPost {
  // False: not known where, or too much waits on the way; nothing was sent.
  std::function<bool(const PubKey&, const Extension&, Priority)> send;
  std::function<bool(const PubKey&)> reaches;
  std::function<ByteVec()> record{};  // of our guardians, for them to put into the directory while we are away
  std::function<bool(const PubKey&, const ByteVec&)> renew{};  // a ward's; false: it says nothing any more
  std::function<void(const PubKey&)> seek{};                   // whom others have named, and perhaps made up
};

// May a letter have come over this channel? The number is a peer's.
constexpr bool brings_mail(std::uint8_t channel) noexcept {
  return is_for_a_feed(static_cast<Channel>(channel)) && carries_events(static_cast<Channel>(channel));
}

}  // namespace np2p
