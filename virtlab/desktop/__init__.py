"""A remote desktop: the RFB protocol, a virtual display for a real program, a scripted screen."""
