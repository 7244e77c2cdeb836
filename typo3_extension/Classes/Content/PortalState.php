<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

/**
 * What is the case where a page of the portal should stand.
 */
enum PortalState: string
{
    /** A page of the portal. */
    case Portal = 'portal';
    /** Nobody is signed in. */
    case SignIn = 'signIn';
    /** Somebody sent a form after their session had ended; the portal has kept what they wrote. */
    case Kept = 'kept';
    /** The same, but nothing could be kept. */
    case NotKept = 'notKept';
    /** The portal does not answer, or not as it should. */
    case Unavailable = 'unavailable';
    /** This server has not taken the form: it was larger than PHP's settings allow. */
    case TooLarge = 'tooLarge';
}
