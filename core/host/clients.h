// Port: what goes to clients. A publish over REST is answered when it is durable; reads are answered by the call itself
// (core/api). A session is a client that stays connected, over a WebSocket, and is told of things as they happen.
#pragma once

#include <string_view>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/base/strong_int.h"

namespace np2p {

// Who is at the other end, as the front sees it.
struct ClientOrigin {
  Address peer;
  bool trusted = true;  // on this machine or in a trusted network, and no page of a foreign Web origin
  std::string url;      // as the client called this server: "ws://host:port"; NIP-42's proof must name it
};

class Clients {
 public:
  virtual ~Clients() = default;
  // Exactly once per accepted publish call. After this with ok(), the event survives any crash.
  virtual void published(RequestId request, const Status& outcome) = 0;

  // --- sessions
  // One message, in order. What is no session any more is told nothing.
  virtual void tell(SessionId session, std::string_view text) {
    static_cast<void>(session);
    static_cast<void>(text);
  }
  // Told, and not taken by the network yet. When little is left of more than ClientLimits::busy_bytes, the input
  // session_writable follows.
  [[nodiscard]] virtual std::size_t untold_bytes(SessionId session) const noexcept {
    static_cast<void>(session);
    return 0;
  }
  // The node gives the session up; no input session_closed follows.
  virtual void hang_up(SessionId session, std::string_view reason) {
    static_cast<void>(session);
    static_cast<void>(reason);
  }
};

}  // namespace np2p
