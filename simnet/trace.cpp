#include "simnet/trace.h"

#include "core/base/assert.h"

namespace np2p::sim {

std::string_view name(Io io) noexcept {
  switch (io) {
    case Io::in_start:
      return "start";
    case Io::in_stop:
      return "stop";
    case Io::in_link_up:
      return "link up";
    case Io::in_frame:
      return "frame";
    case Io::in_writable:
      return "writable";
    case Io::in_link_down:
      return "link down";
    case Io::in_timer:
      return "timer";
    case Io::in_durable:
      return "durable";
    case Io::in_publish:
      return "publish";
    case Io::in_query:
      return "query";
    case Io::out_dial:
      return "dial";
    case Io::out_send:
      return "send";
    case Io::out_close:
      return "close";
    case Io::out_arm:
      return "arm";
    case Io::out_cancel:
      return "cancel";
    case Io::out_flush:
      return "flush";
    case Io::out_published:
      return "published";
    case Io::out_answer:
      return "answer";
    case Io::in_carry:
      return "carry";
    case Io::out_open_port:
      return "open port";
    case Io::out_close_port:
      return "close port";
    case Io::out_punch:
      return "punch";
    case Io::out_tunnel:
      return "tunnel";
    case Io::out_carried:
      return "carried";
    case Io::out_hold:
      return "hold";
    case Io::in_client:
      return "client";
    case Io::out_client:
      return "to client";
    case Io::count_:
      break;
  }
  NP2P_ASSERT(false);
}

}  // namespace np2p::sim
