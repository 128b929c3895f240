// How the parts of guardians.h speak: a message about mail to a user's server, and whether there is a way to it now.
#pragma once

#include <functional>

#include "core/host/network.h"
#include "core/wire/extension.h"

namespace np2p {

struct MailPost {
  // False: not known where, or too much waits on the way; nothing was sent.
  std::function<bool(const PubKey&, const Extension&, Priority)> send;
  std::function<bool(const PubKey&)> reaches;
};

}  // namespace np2p
