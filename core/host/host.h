// Everything a node may touch. A Host of simnet or realnet owns these and the node; they outlive the node.
#pragma once

#include "core/event/verifier.h"
#include "core/host/clients.h"
#include "core/host/clock.h"
#include "core/host/entropy.h"
#include "core/host/network.h"
#include "core/host/node_key.h"
#include "core/host/observer.h"
#include "core/host/store.h"
#include "core/host/timers.h"

namespace np2p {

struct Host {
  Clock& clock;
  Network& network;
  Timers& timers;
  Store& store;
  Verifier& verifier;
  NodeKey& node_key;
  Entropy& entropy;
  Clients& clients;
  Observer& observer;
};

}  // namespace np2p
