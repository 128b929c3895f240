// Between WebSockets and the node: what a connection brings goes in, what the node says to it comes out.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/base/strong_int.h"
#include "core/host/clients.h"

namespace np2p::real {

// A connection, as the node's words reach it. Neither call writes anything before it returns.
class SessionOutput {
 public:
  virtual ~SessionOutput() = default;
  virtual void tell(std::string_view text) = 0;
  virtual void hang_up(std::string_view reason) = 0;
  [[nodiscard]] virtual std::size_t untold_bytes() const noexcept = 0;
};

class ClientSessions {
 public:
  virtual ~ClientSessions() = default;
  // Nothing if there are too many. `output` is used until session_closed() or its hang_up().
  virtual std::optional<SessionId> open_session(const ClientOrigin& origin, SessionOutput& output) = 0;
  virtual void session_text(SessionId session, std::string_view text) = 0;
  virtual void session_writable(SessionId session) = 0;
  virtual void session_closed(SessionId session) = 0;
  // To be counted: it never was a message.
  virtual void message_refused(const Address& from, const Error& why) {
    static_cast<void>(from);
    static_cast<void>(why);
  }
};

}  // namespace np2p::real
