// What a running server says about itself: one JSON object (GET /status) and Prometheus text (GET /metrics).
#pragma once

#include <string>
#include <vector>

#include "core/api/api.h"
#include "core/base/config.h"
#include "core/host/store.h"
#include "realnet/http/http_server.h"
#include "realnet/net/links.h"
#include "realnet/observer.h"

namespace np2p::real {

// A server of -b, and what is wrong with it; empty: nothing known.
struct WayIn {
  std::string address;
  std::string trouble;
};

// What the router before this server was asked for.
struct MappingView {
  bool asked = false;
  Address outside;  // where it opened a port; unspecified: it did not
  std::string by;   // UPnP, NAT-PMP
};

struct ServerView {
  const Config& config;
  const NodeId& node_id;
  Address api;
  Duration uptime;
  NodeStatus node;
  StoreStats store;
  const RealObserver& observer;
  LinkCounters links;
  std::size_t open_links;
  const HttpCounters& http;
  std::size_t open_http;
  std::uint64_t syncs;
  std::string trouble;  // of the disk; empty while well
  std::vector<WayIn> ways_in;
  MappingView mapping;
};

std::string status_json(const ServerView& view);
std::string metrics_text(const ServerView& view);
std::string_view close_reason_name(CloseReason reason) noexcept;

}  // namespace np2p::real
