"""Play over WebRTC, for networks that lose packets: an optional extra (`pip install 'nacre-server[webrtc]'`).

The messages of `nacre.v1` travel over a data channel, pictures and sound as RTP. What is said in them, and who may say
it, is the business of the same calls as over gRPC and WebSockets.
"""
